package storage_test

import (
	"bytes"
	"context"
	"crypto/md5"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"testing"
	"time"

	"settle/attachments"
	"settle/storage"
	"settle/storage/couch"
	"settle/storage/deferred"
)

// crowd is an origin that counts how many contents are asked of it at once. Each waits
// for a while for others.
type crowd struct {
	contents map[string][]byte

	mu        sync.Mutex
	now, most int
}

func (c *crowd) Fetch(_ context.Context, _ []byte, d couch.Deferral) (couch.Incoming, error) {
	c.mu.Lock()
	c.now++
	c.most = max(c.most, c.now)
	c.mu.Unlock()
	time.Sleep(50 * time.Millisecond)
	return couch.Incoming{Body: &leaving{bytes.NewReader(c.contents[string(d.ID)]), c}, Digest: d.Digest}, nil
}

type leaving struct {
	*bytes.Reader
	c *crowd
}

func (l *leaving) Close() error {
	l.c.mu.Lock()
	defer l.c.mu.Unlock()
	l.c.now--
	return nil
}

// Contents that are not kept are here only as far as there is room for them; who asks for
// more of them waits until the others are read.
func TestRoomForWhatIsFetched(t *testing.T) {
	b := newBench(t)
	origin := &crowd{contents: make(map[string][]byte)}
	b.store.Deferred().SetOrigin(origin)
	b.store.Deferred().SetLimits(deferred.Limits{Kept: 1, Fetching: 300_000})
	db := b.create("alpha")
	for i := range 5 {
		id, content := fmt.Sprintf("m%d", i), append(pattern(200_000), byte(i))
		if i == 4 {
			content = append(content, pattern(400_000)...) // more than there ever is room for
		}
		origin.contents[id] = content
		postpone(t, db, couch.OriginID{1}, couch.DocID(id), content)
	}
	var readers sync.WaitGroup
	for id, want := range origin.contents {
		a := attachmentOf(t, db, couch.DocID(id))
		for _, from := range []int64{0, 100_000} {
			readers.Go(func() {
				r, err := db.ReadBlob(t.Context(), a, from, -1)
				if err != nil {
					t.Error(err)
					return
				}
				defer r.Close()
				if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, want[from:]) {
					t.Errorf("%s from %d: %d bytes, %v", id, from, len(got), err)
				}
			})
		}
	}
	readers.Wait()
	if origin.most != 1 {
		t.Errorf("%d contents were fetched at once", origin.most)
	}
	if q, err := db.Quota(t.Context()); err != nil || q.Attachments != 0 {
		t.Errorf("%+v, %v", q, err)
	}
}

// What cannot be kept is not fetched for nobody, and whoever asks again is served.
func TestNobodyWaits(t *testing.T) {
	want := pattern(1 << 20)
	store, db, f, a := postponed(t, want)
	store.Deferred().SetLimits(deferred.Limits{Kept: 1})
	r, err := db.ReadBlob(t.Context(), a, 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	w := <-f.opened
	if _, err := w.Write(want[:1000]); err != nil {
		t.Fatal(err)
	}
	r.Close()
	for _, b := range want[1000:50_000] {
		if _, err = w.Write([]byte{b}); err != nil {
			break
		}
		time.Sleep(100 * time.Microsecond)
	}
	if err == nil {
		t.Error("the content is fetched though nobody reads it, and nobody can later")
	}
	if r, err = db.ReadBlob(t.Context(), a, 0, -1); err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	w = <-f.opened
	go func() { w.Write(want); w.Close() }()
	if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

// An origin that gives next to nothing is away.
func TestPatience(t *testing.T) {
	want := pattern(1 << 20)
	store, db, f, a := postponed(t, want)
	store.Deferred().SetLimits(deferred.Limits{Patience: 500 * time.Millisecond})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	r, err := db.ReadBlob(ctx, a, 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	w := <-f.opened
	go func() {
		for _, b := range want {
			if _, err := w.Write([]byte{b}); err != nil {
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
	}()
	if got, err := io.ReadAll(r); !errors.Is(err, &couch.Error{Kind: couch.Away}) {
		t.Errorf("%d bytes came, and then %v", len(got), err)
	}
}

// Who asks for the sake of the same content is told that it is gone; for the sake of
// others nobody waits for a fetch that nothing has come of.
func TestVia(t *testing.T) {
	want := pattern(100_000)
	_, db, f, a := postponed(t, want)
	var readers sync.WaitGroup
	var writers []*io.PipeWriter
	for _, via := range []couch.Via{nil, {"a"}, {"a", "b"}} {
		r, err := db.ReadBlob(couch.WithVia(t.Context(), via), a, 0, -1)
		if err != nil {
			t.Fatal(err)
		}
		writers = append(writers, <-f.opened) // each by itself
		readers.Go(func() {
			defer r.Close()
			if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, want) {
				t.Errorf("via %v: %d bytes, %v", via, len(got), err)
			}
		})
	}
	told := slices.Clone(f.via[0])
	for _, tt := range []struct {
		via  couch.Via
		kind couch.Kind
	}{
		{told, couch.Gone},
		{append(couch.Via{"x"}, told...), couch.Gone},
		{make(couch.Via, couch.MaxVia), couch.Away},
	} {
		if _, err := db.ReadBlob(couch.WithVia(t.Context(), tt.via), a, 0, -1); !errors.Is(err, &couch.Error{Kind: tt.kind}) {
			t.Errorf("via %v: %v", tt.via, err)
		}
	}
	for _, w := range writers {
		go func() { w.Write(want); w.Close() }()
	}
	readers.Wait()
}

// postpone stores a document whose content stays away.
func postpone(t *testing.T, db *storage.Database, origin couch.OriginID, id couch.DocID, content []byte) {
	t.Helper()
	row, err := db.PutOrigin(t.Context(), origin, []byte("over there"))
	if err != nil {
		t.Fatal(err)
	}
	putAway(t, db, origin, row, id, content)
}

// putAway stores a document whose content stays at an origin that has a row.
func putAway(t *testing.T, db *storage.Database, origin couch.OriginID, row []byte, id couch.DocID, content []byte) {
	t.Helper()
	rev := couch.RevID{Gen: 1, Hash: "a"}
	a := couch.Attachment{Name: "body", ContentType: "text/plain", RevPos: 1, Length: int64(len(content)), Digest: md5.Sum(content)}
	pending := attachments.NewDeferred(couch.Deferral{Origin: origin, ID: id, Rev: rev, Name: "body", Length: a.Length, Digest: a.Digest}, row)
	a.Blob, a.Pending = pending.BlobID(), pending
	doc := &couch.Document{ID: id, Revisions: couch.PathTo(rev), Body: couch.Body{Text: []byte("{}")}, Attachments: []couch.Attachment{a}}
	if results, err := db.PutRevs(t.Context(), storage.Docs(doc)); err != nil || results[0].Err != nil {
		t.Fatal(results, err)
	}
}

func attachmentOf(t *testing.T, db *storage.Database, id couch.DocID) couch.Attachment {
	t.Helper()
	doc, err := db.Get(t.Context(), id, couch.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return doc.Attachments[0]
}
