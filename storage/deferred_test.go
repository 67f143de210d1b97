package storage_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"settle/storage"
	"settle/storage/couch"
)

// farAway is an origin whose contents come through pipes that the test fills.
type farAway struct {
	asked  atomic.Int64
	opened chan *io.PipeWriter

	mu  sync.Mutex
	via []couch.Via // for whose sake it was asked
}

func (f *farAway) Fetch(ctx context.Context, origin []byte, d couch.Deferral) (couch.Incoming, error) {
	f.asked.Add(1)
	f.mu.Lock()
	f.via = append(f.via, couch.ViaOf(ctx))
	f.mu.Unlock()
	if string(origin) != "over there" || d.Name != "body" || d.Rev != (couch.RevID{Gen: 1, Hash: "a"}) {
		return couch.Incoming{}, &couch.Error{Kind: couch.Gone, Reason: fmt.Sprintf("asked for %+v at %q", d, origin)}
	}
	r, w := io.Pipe()
	context.AfterFunc(ctx, func() { w.CloseWithError(ctx.Err()) })
	f.opened <- w
	return couch.Incoming{Body: r, Digest: d.Digest}, nil
}

// postponed is a database with one document, whose content is not here.
func postponed(t *testing.T, content []byte) (*storage.Store, *storage.Database, *farAway, couch.Attachment) {
	t.Helper()
	b := newBench(t)
	store := b.store
	f := &farAway{opened: make(chan *io.PipeWriter, 10)}
	store.Deferred().SetOrigin(f)
	db := b.create("alpha")
	postpone(t, db, couch.OriginID{1}, "m", content)
	return store, db, f, attachmentOf(t, db, "m")
}

func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i * i >> 3)
	}
	return b
}

// What has come is given out before the whole is there, but for its end, which waits
// until the whole is known to be right.
func TestContentComesAsItArrives(t *testing.T) {
	want := pattern(1 << 20)
	_, db, f, a := postponed(t, want)
	r, err := db.ReadBlob(t.Context(), a, 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	w := <-f.opened
	half := len(want) / 2
	go w.Write(want[:half])
	got := make([]byte, half/2)
	if _, err := io.ReadFull(r, got); err != nil || !bytes.Equal(got, want[:half/2]) {
		t.Fatalf("half of what has come: %v", err)
	}
	bad := bytes.Clone(want[half:])
	bad[len(bad)-1]++
	go func() { w.Write(bad); w.Close() }()
	rest, err := io.ReadAll(r)
	if !errors.Is(err, &couch.Error{Kind: couch.Away}) || len(got)+len(rest) >= len(want) {
		t.Errorf("of a wrong content %d of %d bytes came: %v", len(got)+len(rest), len(want), err)
	}
}

// Many who ask cause one fetch, whatever becomes of each; behind it nothing is fetched.
func TestOneFetch(t *testing.T) {
	want := pattern(3 << 20)
	_, db, f, a := postponed(t, want)
	gone, cancel := context.WithCancel(t.Context())
	first, err := db.ReadBlob(gone, a, 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	w := <-f.opened
	var readers sync.WaitGroup
	for i := range 20 {
		offset := int64(i) * 100_000
		r, err := db.ReadBlob(t.Context(), a, offset, 150_000)
		if err != nil {
			t.Fatal(err)
		}
		readers.Go(func() {
			defer r.Close()
			if i == 7 { // too slow to follow
				time.Sleep(100 * time.Millisecond)
			}
			if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, want[offset:offset+150_000]) {
				t.Errorf("reader %d: %d bytes, %v", i, len(got), err)
			}
		})
	}
	cancel()
	if _, err := io.ReadAll(first); !errors.Is(err, context.Canceled) {
		t.Errorf("who has gone reads on: %v", err)
	}
	first.Close()
	go func() { w.Write(want); w.Close() }()
	readers.Wait()
	r, err := db.ReadBlob(t.Context(), a, 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, want) || f.asked.Load() != 1 {
		t.Errorf("%d bytes, %v, after %d fetches", len(got), err, f.asked.Load())
	}
}

// A range ends with the bytes that it should have, or with an error, wherever it ends.
func TestRangeOfWrongContent(t *testing.T) {
	want := pattern(300_000)
	_, db, f, a := postponed(t, want)
	r, err := db.ReadBlob(t.Context(), a, 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	w := <-f.opened
	go func() { w.Write(make([]byte, len(want))); w.Close() }()
	if got, err := io.ReadAll(r); !errors.Is(err, &couch.Error{Kind: couch.Away}) || len(got) >= 1000 {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

// A content whose document goes while it is fetched is given to who asked, and not kept;
// the end of the store ends a fetch.
func TestFetchOfWhatGoes(t *testing.T) {
	want := pattern(200_000)
	_, db, f, a := postponed(t, want)
	r, err := db.ReadBlob(t.Context(), a, 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	w := <-f.opened
	if _, err := db.Purge(t.Context(), []couch.RevsAsk{{ID: "m", Revs: []couch.RevID{{Gen: 1, Hash: "a"}}}}); err != nil {
		t.Fatal(err)
	}
	go func() { w.Write(want); w.Close() }()
	if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	r.Close()
	if q, err := db.Quota(t.Context()); err != nil || q.Used() != 0 {
		t.Errorf("%+v, %v", q, err)
	}
	if _, err := db.ReadBlob(t.Context(), a, 0, -1); !errors.Is(err, couch.ErrNotFound) {
		t.Errorf("what is purged: %v", err)
	}

	store, db, f, a := postponed(t, want)
	if r, err = db.ReadBlob(t.Context(), a, 0, -1); err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	<-f.opened
	store.Deferred().Close()
	if _, err := io.ReadAll(r); err == nil {
		t.Error("a content came whole of which nothing was fetched")
	}
	if _, err := db.ReadBlob(t.Context(), a, 0, -1); !errors.Is(err, couch.ErrUnavailable) {
		t.Errorf("at the end: %v", err)
	}
}
