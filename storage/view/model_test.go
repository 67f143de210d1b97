package view_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"settle/storage/collate"
	"settle/storage/couch"
	"settle/storage/docjson"
	"settle/storage/view"
	"settle/storage/view/reduction"
)

// model answers queries by mapping all documents and looking at every row.
type model struct {
	t    testing.TB
	rows []view.Row // in order
	raw  bool
}

func (m *model) compare(a, b []byte) int {
	if m.raw {
		return collate.CompareRaw(a, b)
	}
	return collate.Compare(a, b)
}

// newModel maps the documents of a database.
func newModel(b *bench, d *view.Definition, v int) *model {
	b.t.Helper()
	m := &model{t: b.t, raw: d.Views[v].Raw}
	fn := mapFunctions[d.Views[v].Map]
	o := couch.AllDocsOptions{Limit: -1, IncludeDocs: true, Doc: couch.GetOptions{LocalSeq: d.LocalSeq}}
	for row, err := range b.db.AllDocs(ctx, o) {
		if err != nil {
			b.t.Fatal(err)
		}
		if row.ID.IsDesign() {
			continue
		}
		var doc map[string]any
		if err := json.Unmarshal(docjson.AppendDocument(nil, row.Doc, docjson.Print{}), &doc); err != nil {
			b.t.Fatal(err)
		}
		for _, e := range fn(doc) {
			m.rows = append(m.rows, view.Row{ID: row.ID, Key: []byte(e.Key), Value: []byte(e.Value)})
		}
	}
	slices.SortStableFunc(m.rows, func(a, b view.Row) int {
		if c := m.compare(a.Key, b.Key); c != 0 {
			return c
		}
		if c := strings.Compare(string(a.ID), string(b.ID)); c != 0 {
			return c
		}
		if c := collate.CompareRaw(a.Key, b.Key); c != 0 {
			return c
		}
		return collate.CompareRaw(a.Value, b.Value)
	})
	return m
}

// inside says whether a row is in front of (-1), in, or behind (1) the range.
func (m *model) inside(q *view.Query, row view.Row) int {
	side := func(key []byte, doc *couch.DocID) int {
		c := m.compare(row.Key, key)
		if c == 0 && doc != nil {
			c = strings.Compare(string(row.ID), string(*doc))
		}
		return c
	}
	sign := 1
	if q.Descending {
		sign = -1
	}
	if q.Start != nil && sign*side(q.Start, q.StartDoc) < 0 {
		return -1
	}
	if q.End != nil {
		if c := sign * side(q.End, q.EndDoc); c > 0 || c == 0 && q.ExclusiveEnd {
			return 1
		}
	}
	return 0
}

// sections returns the rows in front of the first range that has rows, all there are
// where none has, and the ranges' rows.
func (m *model) sections(q *view.Query) (front int, ranges [][]view.Row) {
	rows := slices.Clone(m.rows)
	if q.Descending {
		slices.Reverse(rows)
	}
	queries := []view.Query{*q}
	if q.Keys != nil {
		queries = nil
		for _, key := range q.Keys {
			queries = append(queries, view.Query{Start: key, End: key, Descending: q.Descending})
		}
	}
	front = len(rows)
	found := false
	for _, one := range queries {
		var in []view.Row
		before := 0
		for _, row := range rows {
			switch m.inside(&one, row) {
			case -1:
				before++
			case 0:
				in = append(in, row)
			}
		}
		if len(in) > 0 && !found {
			front, found = before, true
		}
		ranges = append(ranges, in)
	}
	return front, ranges
}

func cut(rows []view.Row, q *view.Query) []view.Row {
	rows = rows[min(int64(len(rows)), q.Skip):]
	if q.Limit >= 0 {
		rows = rows[:min(int64(len(rows)), q.Limit)]
	}
	return rows
}

func (m *model) mapped(q *view.Query) (offset int64, rows []view.Row) {
	front, ranges := m.sections(q)
	return min(int64(len(m.rows)), int64(front)+q.Skip), cut(slices.Concat(ranges...), q)
}

// groupKey truncates a key to a group level.
func groupKey(key []byte, level int64) []byte {
	var list []json.RawMessage
	if level < 0 || json.Unmarshal(key, &list) != nil || key[0] != '[' || int64(len(list)) <= level {
		return key
	}
	return []byte(text(list[:level]))
}

func (m *model) reduced(q *view.Query, source string) []view.Row {
	_, ranges := m.sections(q)
	level := q.GroupLevel
	if q.Group {
		level = -1
	}
	var out []view.Row
	for _, rows := range ranges {
		for len(rows) > 0 {
			n := len(rows)
			var key []byte
			if level != 0 {
				key = groupKey(rows[0].Key, level)
				n = slices.IndexFunc(rows, func(r view.Row) bool { return m.compare(groupKey(r.Key, level), key) != 0 })
				if n < 0 {
					n = len(rows)
				}
			}
			out = append(out, view.Row{Key: key, Value: m.reduce(rows[:n], source, q.Descending)})
			rows = rows[n:]
		}
	}
	return cut(out, q)
}

func (m *model) reduce(rows []view.Row, source string, descending bool) []byte {
	r, err := reduction.Builtin(source)
	if r == nil {
		r = joiner{}
	}
	var in []reduction.Row
	for _, row := range rows {
		in = append(in, reduction.Row{Key: row.Key, Value: row.Value, ID: row.ID})
	}
	if descending {
		slices.Reverse(in)
	}
	var state []byte
	if err == nil {
		state, err = r.Reduce(ctx, in)
	}
	if err != nil {
		m.t.Fatal(err)
	}
	res, err := r.Finish(ctx, state)
	if err != nil {
		m.t.Fatal(err)
	}
	return res.Value
}

// check compares the answer to a query with the model's.
func (m *model) check(b *bench, d *view.Definition, ref view.Ref, q view.Query) {
	b.t.Helper()
	got := b.query(d, ref, q)
	var want []view.Row
	if got.Reduced {
		want = m.reduced(&q, d.Views[ref.View].Reduces[ref.Reduce])
	} else {
		var offset int64
		offset, want = m.mapped(&q)
		if got.TotalRows != int64(len(m.rows)) || got.Offset != offset {
			b.t.Errorf("total %d, offset %d, want %d, %d", got.TotalRows, got.Offset, len(m.rows), offset)
		}
	}
	_, ranges := m.sections(&q)
	if n, err := b.index(d).Count(ctx, ref, &q); err != nil || n != int64(len(slices.Concat(ranges...))) {
		b.t.Errorf("count %d; %v", n, err)
	}
	uncounted := q
	uncounted.Uncounted = true
	if diff := cmp.Diff(printRows(got.rows), printRows(b.query(d, ref, uncounted).rows)); diff != "" {
		b.t.Errorf("uncounted: %.500s", diff)
	}
	if diff := cmp.Diff(printRows(want), printRows(got.rows)); diff != "" || b.t.Failed() {
		b.t.Fatalf("view %+v of %d rows, start %s, end %s, keys %s, %+v: %.3000s", ref, len(m.rows), q.Start, q.End, q.Keys, q, diff)
	}
}

// values are keys, some of which are equal or hold others.
var values = []string{
	"null", "true", "1", "1.0", "2", `"a"`, `"A"`, `"b"`, `"é"`, "\"e\u0301\"", "[]", `["a"]`, `["a",1]`, `["a",1,2]`, `["a",2]`, `["b"]`, `["é",1]`, `{}`, `{"a":1}`, `"x\u0000y"`,
}

func randomBody(rng *rand.Rand) string {
	pick := func() string { return values[rng.IntN(len(values))] }
	list := make([]string, rng.IntN(6))
	for i := range list {
		list[i] = pick()
	}
	n := pick()
	if rng.IntN(2) == 0 {
		n = fmt.Sprintf(`["g%d",%d,%d]`, rng.IntN(3), rng.IntN(4), rng.IntN(100))
	}
	return fmt.Sprintf(`{"n":%s,"v":%d,"list":[%s]}`, n, rng.IntN(50), strings.Join(list, ","))
}

func randomQuery(rng *rand.Rand, m *model) view.Query {
	key := func() []byte {
		if len(m.rows) > 0 && rng.IntN(3) > 0 {
			return m.rows[rng.IntN(len(m.rows))].Key
		}
		return []byte(values[rng.IntN(len(values))])
	}
	doc := func() *couch.DocID {
		if rng.IntN(3) > 0 {
			return nil
		}
		id := couch.DocID(fmt.Sprintf("d%03d", rng.IntN(300)))
		return &id
	}
	q := view.Query{Limit: -1, Descending: rng.IntN(3) == 0, ExclusiveEnd: rng.IntN(3) == 0}
	switch rng.IntN(5) {
	case 0:
		q.Start, q.StartDoc = key(), doc()
	case 1:
		q.End, q.EndDoc = key(), doc()
	case 2, 3:
		q.Start, q.End, q.StartDoc, q.EndDoc = key(), key(), doc(), doc()
		if rng.IntN(4) == 0 {
			q.End = q.Start
		}
	}
	if rng.IntN(3) == 0 {
		q.Limit = int64(rng.IntN(30))
	}
	if rng.IntN(3) == 0 {
		q.Skip = int64(rng.IntN(30))
	}
	if rng.IntN(8) == 0 {
		q.Skip = int64(rng.IntN(500))
	}
	return q
}

// ordered swaps the ends of a range that goes the wrong way.
func (m *model) ordered(q view.Query) view.Query {
	if q.Start == nil || q.End == nil {
		return q
	}
	order := m.compare(q.Start, q.End)
	if order == 0 && !bytes.Equal(q.Start, q.End) {
		q.StartDoc = nil
	}
	if order > 0 && !q.Descending || order < 0 && q.Descending {
		q.Start, q.End = q.End, q.Start
		q.StartDoc, q.EndDoc = nil, nil
	}
	return q
}

func randomReduction(rng *rand.Rand, q view.Query) view.Query {
	switch rng.IntN(3) {
	case 0:
		q.Group = true
	case 1:
		q.GroupLevel = 1 + rng.Int64N(3)
	}
	return q
}

func modelDefinition() *view.Definition {
	d := joinDefinition("list", "n", "n")
	d.Views[1].Reduces = append(d.Views[1].Reduces, "_sum", "_stats")
	d.Views[2].Raw = true
	return d
}

// Random edits, purges and restarts: after each of them the views are what mapping
// everything gives.
func TestRandomViews(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	b := newBench(t, false)
	d := modelDefinition()
	for round := range 24 {
		edit(b, rng, round)
		for range 2 {
			v := rng.IntN(len(d.Views))
			m := newModel(b, d, v)
			for range 6 {
				q := m.ordered(randomQuery(rng, m))
				if rng.IntN(5) == 0 {
					q.Start, q.End, q.Keys = nil, nil, [][]byte{}
					for range rng.IntN(4) {
						q.Keys = append(q.Keys, []byte(values[rng.IntN(len(values))]))
					}
				}
				m.check(b, d, view.Ref{View: v, Reduce: -1}, q)
				if q = randomReduction(rng, q); q.Keys != nil {
					q.Group = true
				}
				m.check(b, d, view.Ref{View: v, Reduce: rng.IntN(len(d.Views[v].Reduces))}, q)
			}
		}
		if rng.IntN(8) == 0 {
			b.reopen()
			if found := b.check(); len(found) > 0 {
				t.Errorf("a check finds %q", found)
			}
		}
	}
}

func edit(b *bench, rng *rand.Rand, round int) {
	n := 1 + rng.IntN(1<<rng.IntN(7))
	if round == 0 || round == 12 { // as much as makes the summaries anew
		n = 1500
	}
	seen := map[string]bool{}
	var docs [][2]string
	for range n {
		id := fmt.Sprintf("d%03d", rng.IntN(300))
		if n > 1000 {
			id = fmt.Sprintf("d%04d", rng.IntN(3000))
		}
		if seen[id] {
			continue
		}
		seen[id] = true
		body := randomBody(rng)
		if _, err := b.db.Get(ctx, couch.DocID(id), couch.GetOptions{}); err == nil && rng.IntN(3) == 0 {
			body = ""
		}
		docs = append(docs, [2]string{id, body})
	}
	b.put(docs...)
	if rng.IntN(4) == 0 {
		b.purge(docs[0][0], docs[len(docs)-1][0])
	}
}

// purge removes the winners of documents.
func (b *bench) purge(ids ...string) {
	b.t.Helper()
	var asks []couch.RevsAsk
	for _, id := range ids {
		doc, err := b.db.Get(ctx, couch.DocID(id), couch.GetOptions{Deleted: true})
		if err != nil {
			b.t.Fatal(err)
		}
		asks = append(asks, couch.RevsAsk{ID: doc.ID, Revs: []couch.RevID{doc.Rev()}})
	}
	if _, err := b.db.Purge(ctx, asks); err != nil {
		b.t.Fatal(err)
	}
}
