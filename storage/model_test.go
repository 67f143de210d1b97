package storage_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"settle/storage"
	"settle/storage/couch"
)

// model is what a database should hold, kept in the plainest way.
type model struct {
	docs  map[string]*modelDoc
	local map[string]string
	seq   int
	// purges are the lists of what was asked for, each an id and its revisions.
	purges [][]string
	purged map[string][]string // by id, the leaves that its last purge removed
}

type modelDoc struct {
	seq    int
	parent map[string]string // revision → the one it replaced, "" for a root
	stored map[string]modelRev
}

type modelRev struct {
	deleted bool
	text    string
	atts    map[string]string // name → content
}

func newModel() *model {
	return &model{docs: make(map[string]*modelDoc), local: make(map[string]string), purged: make(map[string][]string)}
}

// leaves returns the revisions that none replaces, the winner first.
func (d *modelDoc) leaves(t testing.TB) []string {
	replaced := make(map[string]bool)
	for _, p := range d.parent {
		replaced[p] = true
	}
	var out []string
	for rev := range d.parent {
		if !replaced[rev] {
			out = append(out, rev)
		}
	}
	slices.SortFunc(out, func(a, b string) int {
		x, y := d.stored[a].deleted, d.stored[b].deleted
		if x != y {
			return map[bool]int{true: 1, false: -1}[x]
		}
		return parseRev(t, b).Compare(parseRev(t, a))
	})
	return out
}

func (d *modelDoc) deleted(t testing.TB) bool { return d.stored[d.leaves(t)[0]].deleted }

// accepts says whether an interactive edit of rev is no conflict.
func (d *modelDoc) accepts(t testing.TB, rev string, deleted bool) bool {
	switch {
	case d == nil:
		return true // the walk names none
	case d.deleted(t):
		return rev == "" && !deleted
	}
	return slices.Contains(d.leaves(t), rev)
}

func (m *model) doc(id string) *modelDoc {
	if m.docs[id] == nil {
		m.docs[id] = &modelDoc{parent: make(map[string]string), stored: make(map[string]modelRev)}
	}
	return m.docs[id]
}

func (m *model) touch(d *modelDoc) {
	m.seq++
	d.seq = m.seq
}

// walk runs random operations on a database and its model.
type walk struct {
	t    *testing.T
	rng  *rand.Rand
	b    *bench
	db   *storage.Database
	m    *model
	made int
	// spools says that every batch goes through a spool.
	spools bool
}

func (w *walk) limitBatches() {
	if w.spools {
		w.b.store.LimitBatches(0, 1)
	}
}

func TestRandomOperationsAgainstModel(t *testing.T) {
	for seed := range uint64(8) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			w := &walk{t: t, rng: rand.New(rand.NewPCG(seed, 1)), b: newBench(t), m: newModel()}
			w.db = w.b.create("model")
			w.spools = seed%4 == 3
			w.limitBatches()
			for step := range 250 {
				w.step()
				if t.Failed() || step%25 == 0 {
					w.compare()
				}
				if t.Failed() {
					t.FailNow()
				}
			}
			w.compare()
		})
	}
}

func (w *walk) step() {
	switch n := w.rng.IntN(100); {
	case n < 45:
		w.edit()
	case n < 75:
		w.push()
	case n < 85:
		w.pushAgain()
	case n < 91:
		w.putLocal()
	case n < 95:
		w.purge()
	case n < 98:
		w.compact()
	default:
		w.b.reopen()
		var err error
		if w.db, err = w.b.store.Database(context.Background(), "model"); err != nil {
			w.t.Fatal(err)
		}
		w.limitBatches()
	}
}

func (w *walk) id() string { return fmt.Sprintf("doc %02d", w.rng.IntN(12)) }

func (w *walk) text() string {
	w.made++
	return fmt.Sprintf(`{"n":%d,"pad":"%s"}`, w.made, strings.Repeat("x", w.rng.IntN(200)))
}

// anyRev picks a leaf, another known revision, or none.
func (w *walk) anyRev(d *modelDoc) string {
	if d == nil || w.rng.IntN(6) == 0 {
		return ""
	}
	known := slices.Sorted(maps.Keys(d.stored))
	if leaves := d.leaves(w.t); w.rng.IntN(4) > 0 {
		known = leaves
	}
	return known[w.rng.IntN(len(known))]
}

// edit makes an interactive edit, sometimes with attachments.
func (w *walk) edit() {
	id := w.id()
	d := w.m.docs[id]
	rev := w.anyRev(d)
	now := modelRev{text: w.text(), deleted: w.rng.IntN(5) == 0, atts: make(map[string]string)}
	ok := d.accepts(w.t, rev, now.deleted)
	atts := w.newAttachments(now)
	if ok && d != nil && rev != "" {
		atts = append(atts, w.keptAttachments(d.stored[rev], now)...)
	}
	doc := document(w.t, id, now.text)
	doc.Deleted, doc.Attachments, doc.Revisions = now.deleted, atts, couch.PathTo(parseRev(w.t, rev))
	results, err := w.db.BulkDocs(context.Background(), storage.Docs(doc))
	if err != nil {
		w.t.Fatal(err)
	}
	if got := results[0].Err == nil; got != ok {
		w.t.Fatalf("edit of %s at %q: accepted %v, want %v (%v)", id, rev, got, ok, results[0].Err)
	}
	if !ok {
		if !errors.Is(results[0].Err, couch.ErrConflict) {
			w.t.Fatalf("edit of %s: %v", id, results[0].Err)
		}
		return
	}
	parent := rev
	if d != nil && rev == "" {
		parent = d.leaves(w.t)[0]
	}
	d = w.m.doc(id)
	d.parent[results[0].Rev.String()], d.stored[results[0].Rev.String()] = parent, now
	w.m.touch(d)
}

func (w *walk) newAttachments(now modelRev) []couch.Attachment {
	var atts []couch.Attachment
	for i := range w.rng.IntN(3) {
		name, size := fmt.Sprint("new ", w.made, i), w.rng.IntN(500)
		if w.rng.IntN(10) == 0 {
			size = 100_000
		}
		now.atts[name] = strings.Repeat("y", size)
		atts = append(atts, blob(w.t, w.db, name, "text/plain", now.atts[name]))
	}
	return atts
}

func (w *walk) keptAttachments(old, now modelRev) []couch.Attachment {
	var atts []couch.Attachment
	for _, name := range slices.Sorted(maps.Keys(old.atts)) {
		if w.rng.IntN(3) > 0 {
			now.atts[name] = old.atts[name]
			atts = append(atts, couch.Attachment{Name: name, Stub: true})
		}
	}
	return atts
}

// push stores a revision a few generations beyond a known one, or a new root.
func (w *walk) push() {
	id := w.id()
	base := w.anyRev(w.m.docs[id])
	d := w.m.doc(id)
	now := modelRev{text: w.text(), deleted: w.rng.IntN(5) == 0, atts: make(map[string]string)}
	path := couch.PathTo(parseRev(w.t, base))
	parent := base
	for range 1 + w.rng.IntN(3) {
		hash := fmt.Sprintf("%032x", w.rng.Uint64())
		path = couch.Revisions{Start: path.Start + 1, Hashes: append([]string{couch.ParseRevHash(hash)}, path.Hashes...)}
		d.parent[path.Leaf().String()] = parent
		parent = path.Leaf().String()
	}
	doc := document(w.t, id, now.text)
	doc.Deleted, doc.Revisions, doc.Attachments = now.deleted, path, w.newAttachments(now)
	w.putRevs(doc)
	d.stored[parent] = now
	w.m.touch(d)
}

// pushAgain stores a revision that is there already: nothing happens.
func (w *walk) pushAgain() {
	id := w.id()
	d := w.m.docs[id]
	if d == nil {
		return
	}
	leaves := d.leaves(w.t)
	doc := document(w.t, id, `{"other":"content"}`)
	doc.Revisions = couch.PathTo(parseRev(w.t, leaves[w.rng.IntN(len(leaves))]))
	doc.Attachments = []couch.Attachment{blob(w.t, w.db, "dropped", "text/plain", "dropped")}
	w.putRevs(doc)
}

func (w *walk) putRevs(doc *couch.Document) {
	results, err := w.db.PutRevs(context.Background(), storage.Docs(doc))
	if err == nil {
		err = results[0].Err
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *walk) putLocal() {
	id := fmt.Sprint("_local/", w.rng.IntN(4))
	if w.rng.IntN(4) == 0 {
		err := w.db.DeleteLocal(context.Background(), couch.DocID(id))
		if _, ok := w.m.local[id]; ok != (err == nil) {
			w.t.Fatalf("deleting %s: %v", id, err)
		}
		delete(w.m.local, id)
		return
	}
	text := w.text()
	if _, err := w.db.PutLocal(context.Background(), &couch.LocalDocument{ID: couch.DocID(id), Body: couch.Body{Text: []byte(text)}}); err != nil {
		w.t.Fatal(err)
	}
	w.m.local[id] = text
}

func (w *walk) compact() {
	if err := w.db.Compact(context.Background()); err != nil {
		w.t.Fatal(err)
	}
	for _, d := range w.m.docs {
		leaves := d.leaves(w.t)
		maps.DeleteFunc(d.stored, func(rev string, _ modelRev) bool { return !slices.Contains(leaves, rev) })
	}
}

// purge purges a few revisions of a few documents: leaves, inner ones, unknown ones.
func (w *walk) purge() {
	var asks, want [][]string
	before := w.m.seq
	for _, n := range w.rng.Perm(12)[:1+w.rng.IntN(2)] {
		id := fmt.Sprintf("doc %02d", n)
		ask := []string{id}
		for range w.rng.IntN(3) {
			if rev := w.anyRev(w.m.docs[id]); rev != "" && !slices.Contains(ask, rev) {
				ask = append(ask, rev)
			}
		}
		if w.rng.IntN(4) == 0 {
			ask = append(ask, "7-unknown")
		}
		asks = append(asks, ask)
		w.m.purges = append(w.m.purges, w.sorted(ask))
	}
	for _, ask := range slices.SortedFunc(slices.Values(asks), slices.Compare[[]string]) {
		w.m.purge(w.t, ask)
	}
	if w.m.seq == before {
		w.m.seq++
	}
	for _, ask := range asks {
		removed := ask[:1:1]
		for _, rev := range ask[1:] {
			if d := w.m.purged[ask[0]]; slices.Contains(d, rev) {
				removed = append(removed, rev)
			}
		}
		want = append(want, removed)
	}
	if diff := gocmp.Diff(want, purge(w.t, w.db, asks...)); diff != "" {
		w.t.Errorf("purge of %q (-want +got):\n%s", asks, diff)
	}
}

// sorted returns an ask with its revisions in ascending order.
func (w *walk) sorted(ask []string) []string {
	revs := slices.Clone(ask[1:])
	slices.SortFunc(revs, func(a, b string) int { return parseRev(w.t, a).Compare(parseRev(w.t, b)) })
	return append([]string{ask[0]}, revs...)
}

// comparePurges orders purges by id, then by revisions.
func (w *walk) comparePurges(a, b []string) int {
	if c := cmp.Compare(a[0], b[0]); c != 0 {
		return c
	}
	return slices.CompareFunc(a[1:], b[1:], func(x, y string) int { return parseRev(w.t, x).Compare(parseRev(w.t, y)) })
}

// purge removes the leaves among the revisions of an ask, and what leads to them only.
func (m *model) purge(t testing.TB, ask []string) {
	m.purged[ask[0]] = nil
	d := m.docs[ask[0]]
	if d == nil {
		return
	}
	keep := make(map[string]bool)
	left := 0
	for _, leaf := range d.leaves(t) {
		if slices.Contains(ask[1:], leaf) {
			m.purged[ask[0]] = append(m.purged[ask[0]], leaf)
			continue
		}
		left++
		for rev := leaf; rev != ""; rev = d.parent[rev] {
			keep[rev] = true
		}
	}
	switch {
	case m.purged[ask[0]] == nil:
	case left == 0:
		delete(m.docs, ask[0])
	default:
		maps.DeleteFunc(d.parent, func(rev, _ string) bool { return !keep[rev] })
		maps.DeleteFunc(d.stored, func(rev string, _ modelRev) bool { return !keep[rev] })
		m.seq += left
		d.seq = m.seq
	}
}

// compare holds the database against the model, and against its own invariants.
func (w *walk) compare() {
	w.t.Helper()
	w.b.check()
	if diff := gocmp.Diff(w.m.feed(w.t), feed(w.t, w.db, couch.ChangesOptions{AllLeaves: true})); diff != "" {
		w.t.Errorf("changes (-want +got):\n%s", diff)
	}
	purges := slices.SortedFunc(slices.Values(w.m.purges), w.comparePurges)
	if diff := gocmp.Diff(purges, purgedInfos(w.t, w.db)); diff != "" {
		w.t.Errorf("purges (-want +got):\n%s", diff)
	}
	w.compareTotals()
	for id, d := range w.m.docs {
		for rev := range d.parent {
			w.compareRev(id, rev, d)
		}
	}
	for id, text := range w.m.local {
		if doc, err := w.db.GetLocal(context.Background(), couch.DocID(id)); err != nil || string(doc.Body.Text) != text {
			w.t.Errorf("%s: %v", id, err)
		}
	}
}

func (m *model) feed(t testing.TB) []string {
	docs := slices.SortedFunc(maps.Keys(m.docs), func(a, b string) int { return cmp.Compare(m.docs[a].seq, m.docs[b].seq) })
	var out []string
	for _, id := range docs {
		line := fmt.Sprintf("%d %s %s", m.docs[id].seq, id, strings.Join(m.docs[id].leaves(t), " "))
		if m.docs[id].deleted(t) {
			line += " deleted"
		}
		out = append(out, line)
	}
	return out
}

func (w *walk) compareTotals() {
	w.t.Helper()
	info, err := w.db.Info(context.Background())
	if err != nil {
		w.t.Fatal(err)
	}
	var live []string
	for id, d := range w.m.docs {
		if !d.deleted(w.t) {
			live = append(live, id)
		}
	}
	slices.Sort(live)
	if int(info.UpdateSeq) != w.m.seq || int(info.DocCount) != len(live) || int(info.DeletedCount) != len(w.m.docs)-len(live) {
		w.t.Errorf("info %+v, want seq %d, %d documents of %d", info, w.m.seq, len(live), len(w.m.docs))
	}
	var got []string
	for row, err := range w.db.AllDocs(context.Background(), couch.AllDocsOptions{Limit: -1}) {
		if err != nil {
			w.t.Fatal(err)
		}
		got = append(got, string(row.ID))
	}
	if diff := gocmp.Diff(live, got); diff != "" {
		w.t.Errorf("all documents (-want +got):\n%s", diff)
	}
	since := couch.Seq(w.rng.IntN(w.m.seq + 1))
	want := int64(0)
	for _, d := range w.m.docs {
		if couch.Seq(d.seq) > since {
			want++
		}
	}
	if n, err := w.db.PendingChanges(context.Background(), since); err != nil || n != want {
		w.t.Errorf("pending behind %d: %d, %v, want %d", since, n, err, want)
	}
}

func (w *walk) compareRev(id, rev string, d *modelDoc) {
	w.t.Helper()
	doc, err := w.db.Get(context.Background(), couch.DocID(id), couch.GetOptions{Rev: parseRev(w.t, rev)})
	want, stored := d.stored[rev]
	if !stored {
		if !errors.Is(err, couch.ErrNotFound) {
			w.t.Errorf("%s at %s: %v, want not found", id, rev, err)
		}
		return
	}
	if err != nil {
		w.t.Errorf("%s at %s: %v", id, rev, err)
		return
	}
	got := modelRev{deleted: doc.Deleted, text: string(doc.Body.Text), atts: make(map[string]string)}
	for _, a := range doc.Attachments {
		got.atts[a.Name] = readBlob(w.t, w.db, a)
	}
	if diff := gocmp.Diff(want, got, gocmp.AllowUnexported(modelRev{})); diff != "" {
		w.t.Errorf("%s at %s (-want +got):\n%s", id, rev, diff)
	}
}
