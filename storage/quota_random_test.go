package storage_test

import (
	"bytes"
	"context"
	"crypto/md5"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"settle/attachments"
	"settle/storage"
	"settle/storage/couch"
	"settle/storage/deferred"
	"settle/storage/kv"
	"settle/storage/schema"
)

// held is a naive count of what a quota counts.
type held struct{ Documents, Attachments int64 }

// quotaWalk runs random operations on a database, of which the quota counts what is read
// from it, and nothing else.
type quotaWalk struct {
	t      *testing.T
	rng    *rand.Rand
	b      *bench
	db     *storage.Database
	limit  int64                        // of what is kept of deferred contents; 0: none
	origin []byte                       // the row of where deferred contents are
	away   map[couch.BlobID]bool        // deferred contents
	paths  map[string][]couch.Revisions // that were pushed, of each document
}

// pool is what contents are picked from, so that documents share them.
var pool = [][]byte{{}, []byte("x"), bytes.Repeat([]byte("500 "), 125), pattern(3000), pattern(90_000)}

// poolOrigin gives out the contents of the pool.
type poolOrigin struct{}

func (poolOrigin) Fetch(_ context.Context, _ []byte, d couch.Deferral) (couch.Incoming, error) {
	for _, content := range pool {
		if md5.Sum(content) == d.Digest {
			return couch.Incoming{Body: readCloser{bytes.NewReader(content)}, Digest: d.Digest}, nil
		}
	}
	return couch.Incoming{}, &couch.Error{Kind: couch.Gone}
}

type readCloser struct{ *bytes.Reader }

func (readCloser) Close() error { return nil }

func TestQuotaOfRandomOperations(t *testing.T) {
	for seed := range uint64(8) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			w := &quotaWalk{
				t: t, rng: rand.New(rand.NewPCG(seed, 7)), b: newBench(t),
				away: make(map[couch.BlobID]bool), paths: make(map[string][]couch.Revisions),
			}
			w.b.keep = time.Duration(seed%2) * time.Hour
			w.limit = int64(seed%3) * 3500
			w.b.create("db")
			w.open()
			if seed%4 == 1 {
				w.must(w.db.SetRevsLimit(t.Context(), 3))
			}
			var err error
			w.origin, err = w.db.PutOrigin(t.Context(), couch.OriginID{1}, []byte("over there"))
			w.must(err)
			for step := range 150 {
				what := w.step()
				w.compare(fmt.Sprintf("step %d, %s", step, what))
				if step%30 == 0 {
					w.b.check()
				}
			}
		})
	}
}

// open is done whenever the store was opened.
func (w *quotaWalk) open() {
	w.t.Helper()
	w.b.store.SetKeepAncestors(w.b.keep)
	w.b.store.Deferred().SetOrigin(poolOrigin{})
	w.b.store.Deferred().SetLimits(deferred.Limits{Kept: w.limit})
	var err error
	w.db, err = w.b.store.Database(w.t.Context(), "db")
	w.must(err)
}

func (w *quotaWalk) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// step does something, and says what.
func (w *quotaWalk) step() string {
	switch n := w.rng.IntN(100); {
	case n < 60:
		w.push()
		return "a batch"
	case n < 70:
		w.pushThroughSpool()
		return "a spooled batch"
	case n < 80:
		w.purge()
		return "a purge"
	case n < 88:
		w.fetch()
		return "a fetch"
	case n < 95:
		w.must(w.db.Compact(w.t.Context()))
		return "a compaction"
	default:
		w.b.reopen()
		w.open()
		return "a restart"
	}
}

func (w *quotaWalk) id() string { return fmt.Sprint("doc ", w.rng.IntN(6)) }

// push stores a few revisions in one transaction, on top of leaves and of others; or
// none, where a quota has no room for them.
func (w *quotaWalk) push() {
	w.t.Helper()
	var docs []*couch.Document
	for range 1 + w.rng.IntN(6) {
		docs = append(docs, w.revision())
	}
	before, room := w.bound()
	results, err := w.db.PutRevs(w.t.Context(), storage.Docs(docs...))
	after, _ := w.used()
	switch {
	case errors.Is(err, couch.ErrOverQuota) && after == before:
	case err != nil:
		w.t.Fatalf("%v: from %+v to %+v", err, before, after)
	case room != couch.NoQuota && after.Attachments-before.Attachments > room:
		w.t.Fatalf("from %+v to %+v, where there was room for %d bytes", before, after, room)
	}
	for _, r := range results {
		w.must(r.Err)
	}
	w.must(w.db.SetQuota(w.t.Context(), couch.NoQuota))
}

// state is what a write changes that is not refused.
type state struct {
	held
	Seq couch.Seq
}

// bound gives the database a quota, or none, and says how it is, and the room left.
func (w *quotaWalk) bound() (before state, room int64) {
	w.t.Helper()
	before, used := w.used()
	if w.rng.IntN(2) == 0 {
		return before, couch.NoQuota
	}
	room = 100 + int64(len(pool[w.rng.IntN(len(pool))]))
	w.must(w.db.SetQuota(w.t.Context(), used+room))
	return before, room
}

func (w *quotaWalk) used() (state, int64) {
	w.t.Helper()
	info, err := w.db.Info(w.t.Context())
	w.must(err)
	q, err := w.db.Quota(w.t.Context())
	w.must(err)
	return state{held{q.Documents, q.Attachments}, info.UpdateSeq}, q.Used()
}

// pushThroughSpool is push in as many transactions as there are documents.
func (w *quotaWalk) pushThroughSpool() {
	w.t.Helper()
	w.b.store.LimitBatches(0, 1)
	w.push()
	w.b.store.LimitBatches(4<<20, 5000)
}

func (w *quotaWalk) revision() *couch.Document {
	id := w.id()
	doc := document(w.t, id, fmt.Sprintf(`{"n":%d}`, w.rng.IntN(1000)))
	if known := w.paths[id]; len(known) > 0 && w.rng.IntN(8) > 0 {
		from := max(0, len(known)-1-w.rng.IntN(4))
		doc.Revisions = known[from]
		doc.Attachments = w.stubs(id, doc.Revisions.Leaf())
	}
	hash := couch.ParseRevHash(fmt.Sprintf("%032x", w.rng.Uint64()))
	doc.Revisions = couch.Revisions{Start: doc.Revisions.Start + 1, Hashes: append([]string{hash}, doc.Revisions.Hashes...)}
	w.paths[id] = append(w.paths[id], doc.Revisions)
	if doc.Deleted = w.rng.IntN(5) == 0; doc.Deleted && w.rng.IntN(2) == 0 {
		doc.Attachments = nil
		return doc
	}
	for i := range w.rng.IntN(3) {
		doc.Attachments = append(doc.Attachments, w.content(doc, fmt.Sprint("new ", doc.Revisions.Start, " ", i)))
	}
	return doc
}

// stubs stand for some of the attachments of a revision, if it is there.
func (w *quotaWalk) stubs(id string, rev couch.RevID) []couch.Attachment {
	doc, err := w.db.Get(w.t.Context(), couch.DocID(id), couch.GetOptions{Rev: rev})
	if err != nil {
		return nil
	}
	var stubs []couch.Attachment
	for _, a := range doc.Attachments {
		if w.rng.IntN(3) > 0 {
			stubs = append(stubs, couch.Attachment{Name: a.Name, Stub: true})
		}
	}
	return stubs
}

// content is one of the pool, or where it is.
func (w *quotaWalk) content(doc *couch.Document, name string) couch.Attachment {
	content := pool[w.rng.IntN(len(pool))]
	if w.rng.IntN(4) > 0 {
		return blob(w.t, w.db, name, "text/plain", string(content))
	}
	a := couch.Attachment{Name: name, ContentType: "text/plain", RevPos: doc.Revisions.Start, Length: int64(len(content)), Digest: md5.Sum(content)}
	pending := attachments.NewDeferred(couch.Deferral{
		Origin: couch.OriginID{1}, ID: doc.ID, Rev: doc.Revisions.Leaf(), Name: name, Length: a.Length, Digest: a.Digest,
	}, w.origin)
	a.Blob, a.Pending = pending.BlobID(), pending
	w.away[a.Blob] = true
	return a
}

// purge purges some leaves of two documents.
func (w *quotaWalk) purge() {
	var asks []couch.RevsAsk
	for range 2 {
		ask := couch.RevsAsk{ID: couch.DocID(w.id())}
		for c, err := range w.db.Changes(w.t.Context(), couch.ChangesOptions{AllLeaves: true, DocIDs: []couch.DocID{ask.ID}}) {
			w.must(err)
			for _, rev := range c.Revs {
				if w.rng.IntN(2) == 0 {
					ask.Revs = append(ask.Revs, rev)
				}
			}
		}
		asks = append(asks, ask)
	}
	_, err := w.db.Purge(w.t.Context(), asks)
	w.must(err)
}

// fetch asks for the deferred contents of some revisions, superseded ones too.
func (w *quotaWalk) fetch() {
	id := w.id()
	for _, path := range w.paths[id] {
		doc, err := w.db.Get(w.t.Context(), couch.DocID(id), couch.GetOptions{Rev: path.Leaf()})
		if err == nil && w.rng.IntN(2) == 0 {
			w.must(w.db.Ready(w.t.Context(), doc.Attachments))
		}
	}
}

// compare holds the quota against what there is to read.
func (w *quotaWalk) compare(after string) {
	w.t.Helper()
	q, err := w.db.Quota(w.t.Context())
	w.must(err)
	if got, want := (held{q.Documents, q.Attachments}), w.naive(); got != want {
		w.t.Fatalf("after %s: the quota counts %+v, want %+v", after, got, want)
	}
}

func (w *quotaWalk) naive() (sum held) {
	kept := w.kept()
	seen := make(map[couch.BlobID]bool)
	for c, err := range w.db.Changes(w.t.Context(), couch.ChangesOptions{AllLeaves: true}) {
		w.must(err)
		for _, rev := range c.Revs {
			doc, err := w.db.Get(w.t.Context(), c.ID, couch.GetOptions{Rev: rev})
			w.must(err)
			sum.Documents += int64(len(doc.Body.Text))
			for _, a := range doc.Attachments {
				if !seen[a.Blob] && (!w.away[a.Blob] || kept[a.Blob]) {
					sum.Attachments += a.Length
				}
				seen[a.Blob] = true
			}
		}
	}
	return sum
}

// kept returns the deferred contents of which the content is kept.
func (w *quotaWalk) kept() map[couch.BlobID]bool {
	kept := make(map[couch.BlobID]bool)
	w.must(w.b.kv.View(w.t.Context(), schema.Partition(schema.FirstDatabase), func(r kv.Reader) error {
		for row, err := range r.Scan(w.t.Context(), schema.All(schema.KindKept)) {
			if err != nil {
				return err
			}
			if id, ok := schema.ParseKeptKey(row.Key); ok {
				kept[id] = true
			}
		}
		return nil
	}))
	return kept
}
