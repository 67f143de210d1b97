package check

import (
	"encoding/binary"
	"maps"
	"slices"
	"strings"

	"settle/storage/kv"
)

// viewPrefix begins the names of the indexes that package view keeps, which says what
// their rows are.
const viewPrefix = "view/"

// viewRows is what the rows of a view's index come to. Each transaction that changes the
// rows of a document changes what the index remembers of the document, so that the two
// agree wherever a crash has left the index.
type viewRows struct {
	rows   map[uint64]int64 // by view
	named  map[uint64]int64 // by documents
	broken bool             // a row cannot be read
}

// newViewRows returns nil for an index that is not package view's.
func newViewRows(index string) *viewRows {
	if !strings.HasPrefix(index, viewPrefix) {
		return nil
	}
	return &viewRows{rows: make(map[uint64]int64), named: make(map[uint64]int64)}
}

// add takes in a row of the index itself.
func (v *viewRows) add(row kv.KV) {
	if v == nil {
		return
	}
	const viewKey, level = 4, 3 // a byte, the view in two, the level
	switch key := row.Key; {
	case key[0] == 'h' && len(key) == 1:
	case key[0] == 'd' && v.document(row.Value):
	case key[0] == 'v' && len(key) >= viewKey:
		if key[level] == 0 {
			v.rows[uint64(binary.BigEndian.Uint16(key[1:]))]++
		}
	default:
		v.broken = true
	}
}

// document counts the rows that a document's own row names; ok is false where it cannot be
// read.
func (v *viewRows) document(b []byte) (ok bool) {
	const version = 1
	if len(b) == 0 || b[0] != version {
		return false
	}
	b, ok = b[1:], true
	next := func() uint64 {
		n, size := binary.Uvarint(b)
		if ok = ok && size > 0; ok {
			b = b[size:]
		}
		return n
	}
	next() // bytes
	for ok && len(b) > 0 {
		view, rows := next(), next()
		for n := rows; ok && n > 0; n-- {
			length := next()
			if ok = ok && length <= uint64(len(b)); ok {
				b = b[length:]
			}
		}
		v.named[view] += int64(rows)
	}
	return ok
}

// findings says what is wrong.
func (v *viewRows) findings(find func(format string, args ...any)) {
	if v == nil {
		return
	}
	if v.broken {
		find("has a row that cannot be read")
		return
	}
	for view := range v.named {
		v.rows[view] += 0 // one that has no rows
	}
	for _, view := range slices.Sorted(maps.Keys(v.rows)) {
		if rows, named := v.rows[view], v.named[view]; rows != named {
			find("has %d rows in its view %d, and its documents name %d", rows, view, named)
		}
	}
}
