package deferred_test

import (
	"io"
	"runtime"
	"strings"
	"testing"
)

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // and what pools have put by
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// Who reads slowly holds nothing in memory of a content that is here, and still reads what
// is right.
func TestSlowReadersHoldNothing(t *testing.T) {
	const size, many = 4 << 20, 8
	content := strings.Repeat("0123456789abcdef", size/16)
	b := newBench(t)
	b.gives(content)
	var readers []io.ReadCloser
	for range many {
		blob := b.postpone(deferral(content))
		r, err := b.contents.Open(t.Context(), b.db, blob, 0, -1)
		b.must(err)
		_, err = io.ReadFull(r, make([]byte, 10))
		b.must(err)
		_, err = b.contents.Digest(t.Context(), b.db, blob) // it is here then
		b.must(err)
		readers = append(readers, r)
	}
	with := heap()
	rest, err := io.ReadAll(readers[0])
	if err != nil || string(rest) != content[10:] {
		t.Errorf("%d bytes behind the first, %v", len(rest), err)
	}
	for _, r := range readers {
		b.must(r.Close())
	}
	clear(readers)
	rest = nil
	if without := heap(); with > without+size*many/2 {
		t.Errorf("they hold %d bytes", with-without)
	}
}
