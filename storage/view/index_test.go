package view_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"settle/storage"
	"settle/storage/couch"
	"settle/storage/view"
)

func keysOf(rows []view.Row) string {
	var keys []string
	for _, r := range rows {
		keys = append(keys, string(r.Key))
	}
	return strings.Join(keys, " ")
}

func all() view.Query { return view.Query{Limit: -1} }

// What a query shows follows the writes that came before it, unless it does not want
// an update.
func TestUpdateModes(t *testing.T) {
	b := newBench(t, false)
	d := joinDefinition("n")
	ref := view.Ref{Reduce: -1}
	b.put([2]string{"a", `{"n":1}`})
	show := func(mode view.UpdateMode) string {
		q := all()
		q.Update = mode
		return keysOf(b.query(d, ref, q).rows)
	}
	if got := show(view.UpdateFalse); got != "" {
		t.Errorf("an index that was never updated has %s", got)
	}
	first := b.query(d, ref, all())
	b.put([2]string{"b", `{"n":2}`})
	if got := show(view.UpdateFalse); got != "1" {
		t.Errorf("without update: %s", got)
	}
	second := b.query(d, ref, all())
	if keysOf(second.rows) != "1 2" || second.Seq != 2 || second.Tag == first.Tag {
		t.Errorf("updated: %s at %d; tags %s, %s", keysOf(second.rows), second.Seq, first.Tag, second.Tag)
	}
	b.put([2]string{"b", `{"n":2,"other":1}`}) // no row differs
	if third := b.query(d, ref, all()); third.Tag != second.Tag || third.Seq != 3 {
		t.Errorf("rows as before have the tag %s, then %s at %d", second.Tag, third.Tag, third.Seq)
	}
	b.put([2]string{"c", `{"n":3}`})
	if got := show(view.UpdateLazy); got != "1 2" {
		t.Errorf("a lazy query shows %s", got)
	}
	for show(view.UpdateFalse) != "1 2 3" { // the background comes to it
	}
	if err := b.db.SetRevsLimit(ctx, 10); err != nil { // a sequence without a change
		t.Fatal(err)
	}
	if last := b.query(d, ref, all()); last.Seq != 5 {
		t.Errorf("the index is at %d, the database at 5", last.Seq)
	}
}

// Design documents are mapped, and sequences given, only where the definition says so.
func TestOptions(t *testing.T) {
	b := newBench(t, false)
	b.put([2]string{"a", `{}`}, [2]string{"_design/d", `{}`})
	for _, test := range []struct {
		seq, design bool
		want        []string
	}{
		{false, false, []string{`a "a" null`}},
		{true, false, []string{`a "a" 2`}},
		{true, true, []string{`_design/d "_design/d" 1`, `a "a" 2`}},
	} {
		d := joinDefinition("id")
		d.LocalSeq, d.IncludeDesign = test.seq, test.design
		if diff := cmp.Diff(test.want, printRows(b.query(d, view.Ref{Reduce: -1}, all()).rows)); diff != "" {
			t.Errorf("%+v: %s", test, diff)
		}
	}
}

// Documents are mapped as CouchDB shows them to map functions.
func TestMappedDocuments(t *testing.T) {
	b := newBench(t, false)
	b.put([2]string{"a", `{"x":1}`})
	rev := func(s string) couch.Revisions {
		r, err := couch.ParseRev(s)
		if err != nil {
			t.Fatal(err)
		}
		return couch.PathTo(r)
	}
	one := rev("2-" + strings.Repeat("a", 32))
	two := rev("2-" + strings.Repeat("b", 32))
	gone := rev("3-" + strings.Repeat("c", 32))
	docs := []*couch.Document{
		{ID: "c", Revisions: one, Body: bodyOf(t, "{}")}, {ID: "c", Revisions: two, Body: bodyOf(t, "{}")},
		{ID: "c", Revisions: gone, Deleted: true, Body: bodyOf(t, "{}")},
	}
	if _, err := b.db.PutRevs(ctx, storage.Docs(docs...)); err != nil {
		t.Fatal(err)
	}
	got := printRows(b.query(joinDefinition("members"), view.Ref{Reduce: -1}, all()).rows)
	want := []string{
		`a "a" {"_id":"a","_rev":"1-` + strings.Split(got[0], `"_rev":"1-`)[1][:32] + `","x":1}`,
		fmt.Sprintf(`c "c" {"_conflicts":["%v"],"_deleted_conflicts":["%v"],"_id":"c","_rev":"%v"}`, one.Leaf(), gone.Leaf(), two.Leaf()),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestIncludedDocs(t *testing.T) {
	b := newBench(t, false)
	b.put([2]string{"a", `{"old":true}`})
	old, err := b.db.Get(ctx, "a", couch.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	b.put(
		[2]string{"a", `{"x":1}`}, [2]string{"b", `{"link":{"_id":"a"}}`}, [2]string{"c", fmt.Sprintf(`{"link":{"_id":"a","_rev":"%v"}}`, old.Rev())},
		[2]string{"d", `{"link":{"_id":"none"}}`}, [2]string{"e", `{"link":{"_id":null}}`}, [2]string{"f", `{"link":{"_id":"a","_rev":"9-x"}}`},
		[2]string{"g", `{"link":{"_id":"a","_rev":"?"}}`}, [2]string{"h", `{"link":{"_id":"gone"}}`}, [2]string{"gone", `{"link":5}`},
	)
	b.put([2]string{"gone", ""})
	q := all()
	q.IncludeDocs = true
	var got []string
	for _, row := range b.query(joinDefinition("link"), view.Ref{Reduce: -1}, q).rows {
		line := string(row.ID) + " -"
		if row.Doc != nil {
			line = fmt.Sprintf("%s %s %s", row.ID, row.Doc.ID, row.Doc.Body.Text)
		}
		got = append(got, line)
	}
	want := []string{`a a {"x":1}`, `b a {"x":1}`, `c a {"old":true}`, "d -", "e -", "f -", "g -", "h -"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// asked notes how documents are read.
type asked struct {
	view.Docs
	read int // documents
	lead int // the most that were read before their rows were yielded
	rows int
	opts map[couch.DocID]bool // with conflicts
}

func (a *asked) AllDocsByID(ctx context.Context, ids []couch.DocID, o couch.AllDocsOptions) iter.Seq2[couch.AllDocsRow, error] {
	return func(yield func(couch.AllDocsRow, error) bool) {
		for row, err := range a.Docs.AllDocsByID(ctx, ids, o) {
			a.opts[row.ID] = o.Doc.Conflicts
			a.read++
			a.lead = max(a.lead, a.read-a.rows)
			if !yield(row, err) {
				return
			}
		}
	}
}

// Documents are held one at a time; the options for documents do not count for those
// that are linked to.
func TestIncludedDocsAreNotHeld(t *testing.T) {
	b := newBench(t, false)
	b.put([2]string{"other", `{"link":5}`})
	var docs [][2]string
	for i := range 150 {
		docs = append(docs, [2]string{fmt.Sprintf("d%03d", i), `{"link":5}`})
	}
	b.put(append(docs, [2]string{"e", `{"link":{"_id":"other"}}`})...)
	q := all()
	a := &asked{Docs: b.db, opts: map[couch.DocID]bool{}}
	q.IncludeDocs, q.Docs, q.Doc.Conflicts, q.End = true, a, true, []byte(`"e"`)
	res, err := b.index(joinDefinition("link")).Query(ctx, view.Ref{Reduce: -1}, &q)
	if err != nil {
		t.Fatal(err)
	}
	for row, err := range res.Rows {
		if err != nil || row.Doc == nil {
			t.Fatalf("%s: %v", row.ID, err)
		}
		a.rows++
	}
	if a.rows != 151 || a.read != 151 || a.lead != 1 {
		t.Errorf("%d rows, %d documents read, %d at once", a.rows, a.read, a.lead)
	}
	if !a.opts["d000"] || a.opts["other"] {
		t.Errorf("with conflicts: d000 %v, other %v", a.opts["d000"], a.opts["other"])
	}
}

// Rows of a partitioned index lie by partition, and queries see one alone.
func TestPartitions(t *testing.T) {
	b := newBench(t, true)
	var docs [][2]string
	for i := range 300 {
		docs = append(docs, [2]string{fmt.Sprintf("p%d:d%03d", i%3, i), fmt.Sprintf(`{"n":[%d,%d],"v":1}`, i%10, i)})
	}
	b.put(docs...)
	d := joinDefinition("n")
	d.Partitioned = true
	q := all()
	q.Partition = "p1"
	got := b.query(d, view.Ref{Reduce: -1}, q)
	if got.TotalRows != 300 || got.Offset != 100 || len(got.rows) != 100 || slices.ContainsFunc(got.rows, func(r view.Row) bool { return !strings.HasPrefix(string(r.ID), "p1:") }) {
		t.Errorf("partition: total %d, offset %d, %d rows", got.TotalRows, got.Offset, len(got.rows))
	}
	q.Descending, q.Start, q.End = true, []byte("[5]"), []byte("[3]")
	if got := b.query(d, view.Ref{Reduce: 1}, q).rows; len(got) != 1 || string(got[0].Value) != "20" {
		t.Errorf("a range of a partition: %v", printRows(got))
	}
	q = view.Query{Limit: -1, Partition: "p2", GroupLevel: 1}
	if got := b.query(d, view.Ref{Reduce: 1}, q).rows; len(got) != 10 || string(got[9].Value) != "10" || string(got[9].Key) != "[9]" {
		t.Errorf("groups of a partition: %v", printRows(got))
	}
	q = view.Query{Limit: -1, Partition: "p2", Keys: [][]byte{[]byte("[1,1]"), []byte("[2,2]")}}
	if got := b.query(d, view.Ref{Reduce: -1}, q).rows; len(got) != 1 || got[0].ID != "p2:d002" {
		t.Errorf("keys of a partition: %v", printRows(got))
	}
	q = view.Query{Limit: -1, Partition: "p"}
	if got := b.query(d, view.Ref{Reduce: -1}, q); len(got.rows) != 0 || got.Offset != 300 {
		t.Errorf("an empty partition: %v, offset %d", printRows(got.rows), got.Offset)
	}
	if _, err := b.tryQuery(d, view.Ref{Reduce: -1}, all()); !errors.Is(err, &couch.Error{Kind: couch.QueryParse}) {
		t.Errorf("without a partition: %v", err)
	}
}

// A value that a reduction cannot take fails the index until it is gone.
func TestInvalidReduction(t *testing.T) {
	b := newBench(t, false)
	d := joinDefinition("n")
	d.Views[0].Reduces = []string{"_stats"}
	b.put([2]string{"a", `{"n":1,"v":1}`})
	b.query(d, view.Ref{}, all())
	b.put([2]string{"b", `{"n":2,"v":"7"}`})
	for range 2 {
		if _, err := b.tryQuery(d, view.Ref{Reduce: -1}, all()); !errors.Is(err, &couch.Error{Kind: couch.InvalidReduction}) {
			t.Errorf("a bad value gives %v", err)
		}
	}
	b.put([2]string{"b", `{"n":2,"v":7}`})
	if got := b.query(d, view.Ref{}, all()).rows; len(got) != 1 || string(got[0].Value) != `{"sum":8,"count":2,"min":1,"max":7,"sumsqr":50}` {
		t.Errorf("behind a good one: %v", printRows(got))
	}
}

// More purges than are remembered: the index starts over, and has no row too many.
func TestForgottenPurges(t *testing.T) {
	b := newBench(t, false)
	d := joinDefinition("n")
	if err := b.db.SetPurgedInfosLimit(ctx, 2); err != nil {
		t.Fatal(err)
	}
	var docs [][2]string
	for i := range 8 {
		docs = append(docs, [2]string{fmt.Sprint("d", i), fmt.Sprintf(`{"n":%d}`, i)})
	}
	b.put(docs...)
	b.query(d, view.Ref{Reduce: -1}, all())
	b.purge("d0", "d1")
	if got := keysOf(b.query(d, view.Ref{Reduce: -1}, all()).rows); got != "2 3 4 5 6 7" {
		t.Errorf("remembered: %s", got)
	}
	b.purge("d2", "d3", "d4", "d5")
	if got := keysOf(b.query(d, view.Ref{Reduce: -1}, all()).rows); got != "6 7" {
		t.Errorf("forgotten: %s", got)
	}
	b.purge("d6")
	b.put([2]string{"d6", `{"n":66}`})
	if got := keysOf(b.query(d, view.Ref{Reduce: -1}, all()).rows); got != "7 66" {
		t.Errorf("written again: %s", got)
	}
}

func TestCleanup(t *testing.T) {
	b := newBench(t, false)
	b.put([2]string{"a", `{"n":1}`}, [2]string{"_design/one", `{"language":"test","views":{"x":{"map":"n"}}}`}, [2]string{"_design/two", `{"language":"test","views":{"y":{"map":"n"}}}`})
	kept, _ := view.ParseDesign([]byte(`{"language":"test","views":{"z":{"map":"n"}}}`), false)
	dropped := joinDefinition("id")
	for _, d := range []*view.Definition{kept, dropped} {
		b.query(d, view.Ref{Reduce: -1}, all())
	}
	if _, err := b.db.OpenIndex(ctx, "other"); err != nil {
		t.Fatal(err)
	}
	names := func() []string {
		t.Helper()
		var names []string
		for name, err := range b.db.Indexes(ctx) {
			if err != nil {
				t.Fatal(err)
			}
			names = append(names, name)
		}
		return names
	}
	if err := b.indexes.Cleanup(ctx, b.db); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"other", "view/" + kept.Signature()}, names()); diff != "" {
		t.Error(diff)
	}
	if got := keysOf(b.query(dropped, view.Ref{Reduce: -1}, all()).rows); got != `"a"` {
		t.Errorf("a dropped index is made again with %s", got)
	}
	b.put([2]string{"_design/one", ""}, [2]string{"_design/two", ""})
	if err := b.indexes.Cleanup(ctx, b.db); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"other"}, names()); diff != "" {
		t.Error(diff)
	}
}

// Design documents have their indexes made in the background, unless they do not want
// it, or have functions that are not there.
func TestUpdateAllLater(t *testing.T) {
	b := newBench(t, false)
	b.put(
		[2]string{"a", `{"n":1}`}, [2]string{"_design/none", `{}`}, [2]string{"_design/bad", `{"language":"test","views":{"x":{"map":"nope"}}}`},
		[2]string{"_design/one", `{"language":"test","views":{"x":{"map":"n"}}}`}, [2]string{"_design/own", `{"language":"test","views":{"x":{"map":"id"}},"autoupdate":false}`},
	)
	if err := b.indexes.UpdateAllLater(ctx, b.db); err != nil {
		t.Fatal(err)
	}
	found := map[couch.DocID]view.Design{}
	for d, err := range view.Designs(ctx, b.db) {
		if err != nil {
			t.Fatal(err)
		}
		found[d.ID] = d
	}
	if len(found) != 3 || found["_design/own"].AutoUpdate || !found["_design/one"].AutoUpdate {
		t.Errorf("design documents: %+v", found)
	}
	info := func(id couch.DocID) view.Info {
		t.Helper()
		info, err := b.index(found[id].Definition).Info(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return info
	}
	for info("_design/one").Pending > 0 { // the background comes to it
	}
	if info("_design/own").Pending == 0 {
		t.Error("an index that is not to be updated by itself is")
	}
}

func TestInfo(t *testing.T) {
	b := newBench(t, false)
	b.put([2]string{"a", `{"n":1}`}, [2]string{"b", `{"n":1}`})
	d := joinDefinition("n", "id")
	ix := b.index(d)
	check := func(want view.Info) {
		t.Helper()
		got, err := ix.Info(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if got.Bytes > 0 != (want.Rows > 0) {
			t.Errorf("%d rows have %d bytes", got.Rows, got.Bytes)
		}
		got.Bytes = 0
		want.Signature, want.Language = d.Signature(), "test"
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
	check(view.Info{Pending: 2})
	if err := ix.Update(ctx); err != nil {
		t.Fatal(err)
	}
	check(view.Info{UpdateSeq: 2, Rows: 4})
	b.put([2]string{"a", ""}, [2]string{"b", ""})
	check(view.Info{UpdateSeq: 2, Rows: 4, Pending: 2})
	if err := ix.Update(ctx); err != nil {
		t.Fatal(err)
	}
	check(view.Info{UpdateSeq: 4})
}

// A database of the same name begins with empty indexes.
func TestRecreatedDatabase(t *testing.T) {
	b := newBench(t, false)
	d := joinDefinition("n")
	b.put([2]string{"a", `{"n":1}`})
	b.query(d, view.Ref{Reduce: -1}, all())
	if err := b.store.DropDatabase(ctx, "alpha"); err != nil {
		t.Fatal(err)
	}
	if _, err := b.tryQuery(d, view.Ref{Reduce: -1}, all()); !errors.Is(err, couch.ErrDatabaseMissing) {
		t.Errorf("a query of a dropped database gives %v", err)
	}
	if _, err := b.store.CreateDatabase(ctx, "alpha", storage.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	b.openDatabase()
	b.put([2]string{"b", `{"n":2}`})
	if got := keysOf(b.query(d, view.Ref{Reduce: -1}, all()).rows); got != "2" {
		t.Errorf("the new database's view has %s", got)
	}
}

func TestClosed(t *testing.T) {
	b := newBench(t, false)
	ix := b.index(joinDefinition("n"))
	if err := b.indexes.Close(); err != nil {
		t.Fatal(err)
	}
	if err := ix.Update(ctx); !errors.Is(err, couch.ErrUnavailable) {
		t.Errorf("an update behind Close gives %v", err)
	}
}

func TestMangoIndex(t *testing.T) {
	b := newBench(t, false)
	b.put(
		[2]string{"a", `{"x":{"y":1},"z":"q","type":"t"}`}, [2]string{"b", `{"x":{"y":0},"z":null,"type":"t"}`},
		[2]string{"c", `{"x":{"y":5},"type":"t"}`}, [2]string{"d", `{"x":{"y":5},"z":1,"type":"u"}`},
	)
	d, err := view.FieldsDefinition([]byte(`{"x.y": "asc", "z": "asc"}`), []byte(`{"type":{"$eq":"t"}}`), false)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{`b [0,null] null`, `a [1,"q"] null`}
	if diff := cmp.Diff(want, printRows(b.query(d, view.Ref{Reduce: -1}, all()).rows)); diff != "" {
		t.Error(diff)
	}
	doc := []byte(`{"language":"query","views":{"i":{"map":{"fields":{"x.y":"asc","z":"asc"},"partial_filter_selector":{"type":{"$eq":"t"}}},"reduce":"_count","options":{"def":{}}}}}`)
	parsed, refs := view.ParseDesign(doc, false)
	if parsed.Signature() != d.Signature() || refs["i"] != (view.Ref{}) {
		t.Errorf("the design document's definition is %+v, %v", parsed, refs)
	}
}

// A path may lead into an array, as that of a selector does.
func TestMangoIndexOfElements(t *testing.T) {
	b := newBench(t, false)
	b.put(
		[2]string{"a", `{"tags":["y","z"]}`}, [2]string{"b", `{"tags":[]}`}, [2]string{"c", `{"tags":{"0":"x"}}`},
		[2]string{"d", `{"tags":[{"n":1}]}`}, [2]string{"e", `{"tags":"text"}`},
	)
	for fields, want := range map[string][]string{
		`{"tags.0": "asc"}`:                     {`d [{"n":1}] null`, `c ["x"] null`, `a ["y"] null`},
		`{"tags.0.n": "asc"}`:                   {`d [1] null`},
		`{"tags.1": "asc", "tags.0": "asc"}`:    {`a ["z","y"] null`},
		`{"tags.-1": "asc"}`:                    {},
		`{"tags.0": "asc", "missing.0": "asc"}`: {},
	} {
		d, err := view.FieldsDefinition([]byte(fields), nil, false)
		if err != nil {
			t.Fatal(err)
		}
		got := printRows(b.query(d, view.Ref{Reduce: -1}, all()).rows)
		slices.Sort(got)
		slices.Sort(want)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", fields, diff)
		}
	}
}

func TestParseDesign(t *testing.T) {
	one := `{"views":{"a":{"map":"m1","reduce":"_sum"},"b":{"map":"m2"},"c":{"map":"m1","reduce":"_count"},"lib":{"x": "y"}},"options":{"local_seq":true}}`
	other := `{"options":{"local_seq":true},"views":{"lib":{"x":"y"},"q":{"map":"m2"},"p":{"map":"m1","reduce":"_count"},"r":{"map":"m1","reduce":"_sum"}},"language":"javascript"}`
	d, refs := view.ParseDesign([]byte(one), false)
	e, others := view.ParseDesign([]byte(other), false)
	if d.Signature() != e.Signature() || len(d.Signature()) != 32 {
		t.Errorf("%+v and %+v have other signatures", d, e)
	}
	if refs["a"] != others["r"] || refs["b"] != others["q"] || refs["c"] != others["p"] {
		t.Errorf("%v, %v", refs, others)
	}
	want := &view.Definition{
		Language: "javascript", Lib: []byte(`{"x":"y"}`), LocalSeq: true,
		Views: []view.ViewDefinition{{Map: "m1", Reduces: []string{"_count", "_sum"}}, {Map: "m2"}},
	}
	if diff := cmp.Diff(want, d); diff != "" {
		t.Error(diff)
	}
	seen := map[string]string{d.Signature(): one}
	for _, text := range []string{
		`{"views":{"a":{"map":"m1"}}}`, `{"views":{"a":{"map":"m1","options":{"collation":"raw"}}}}`, `{"views":{"a":{"map":"m1"}},"options":{"include_design":true}}`,
		`{"views":{"a":{"map":"m1","reduce":"_sum"}}}`, `{"views":{"a":{"map":"m1"}},"language":"query"}`, `{}`,
	} {
		for _, partitioned := range []bool{false, true} {
			d, _ := view.ParseDesign([]byte(text), partitioned)
			if earlier, ok := seen[d.Signature()]; ok {
				t.Errorf("%s has the signature of %s", text, earlier)
			}
			seen[d.Signature()] = text
		}
	}
	if d, _ := view.ParseDesign([]byte(`{"options":{"partitioned":false}}`), true); d.Partitioned {
		t.Error("a global index has partitions")
	}
	if d, refs := view.ParseDesign([]byte(`{"views":{"a":5,"b":{"map":7},"c":{}}}`), false); len(d.Views) != 0 || len(refs) != 0 {
		t.Errorf("broken views: %+v, %v", d, refs)
	}
}

func TestValidate(t *testing.T) {
	yes, no := true, false
	d := joinDefinition("n")
	mapOnly, reduce := view.Ref{Reduce: -1}, view.Ref{}
	key := []byte("1")
	front, behind := couch.DocID("a"), couch.DocID("b")
	for _, test := range []struct {
		ref    view.Ref
		q      view.Query
		reason string
	}{
		{mapOnly, view.Query{Reduce: &yes}, "Reduce is invalid for map-only views."},
		{mapOnly, view.Query{Group: true}, "Invalid use of grouping on a map view."},
		{mapOnly, view.Query{GroupLevel: 1}, "Invalid use of grouping on a map view."},
		{reduce, view.Query{Group: true, Reduce: &no}, "Invalid use of grouping on a map view."},
		{reduce, view.Query{IncludeDocs: true}, "`include_docs` is invalid for reduce"},
		{reduce, view.Query{Doc: couch.GetOptions{Conflicts: true}}, "`conflicts` is invalid for reduce views."},
		{reduce, view.Query{Keys: [][]byte{key}}, "Multi-key fetches for reduce views must use `group=true`"},
		{mapOnly, view.Query{Keys: [][]byte{key}, Start: key}, "`keys` is incompatible with `key`, `start_key` and `end_key`"},
		{mapOnly, view.Query{Partition: "p"}, "`partition` parameter is not supported in this design doc"},
		{mapOnly, view.Query{Start: []byte("2"), End: key}, "No rows can match your key range, reverse your start_key and end_key or set descending=true"},
		{mapOnly, view.Query{Start: key, End: []byte("2"), Descending: true}, "No rows can match your key range, reverse your start_key and end_key or set descending=false"},
		{mapOnly, view.Query{Start: key, End: []byte("1.0"), StartDoc: &behind, EndDoc: &front}, "No rows can match your key range, reverse your start_key and end_key or set descending=true"},
		{mapOnly, view.Query{Start: key, End: key, StartDoc: &behind, EndDoc: &front}, ""},
		{mapOnly, view.Query{Start: []byte("{a")}, "invalid UTF-8 JSON"},
		{mapOnly, view.Query{Skip: -1}, "`skip` must be >= 0"},
		{reduce, view.Query{GroupLevel: -1}, "`group_level` must be >= 0"},
		{reduce, view.Query{Keys: [][]byte{key}, Group: true}, ""},
		{mapOnly, view.Query{IncludeDocs: true, Doc: couch.GetOptions{Conflicts: true}}, ""},
		{reduce, view.Query{IncludeDocs: true, Reduce: &no}, ""},
	} {
		err := test.q.Validate(d, test.ref)
		if e, ok := errors.AsType[*couch.Error](err); ok != (test.reason != "") || ok && e.Reason != test.reason {
			t.Errorf("%+v: %v, want %q", test.q, err, test.reason)
		}
	}
}

// Rows of long values come in pages of their size.
func TestLongValues(t *testing.T) {
	b := newBench(t, false)
	long := strings.Repeat("x", 300_000)
	var docs [][2]string
	for i := range 20 {
		docs = append(docs, [2]string{fmt.Sprintf("d%02d", i), fmt.Sprintf(`{"n":1,"v":"%s%d"}`, long, i)})
	}
	b.put(docs...)
	d := joinDefinition("n")
	m := newModel(b, d, 0)
	m.check(b, d, view.Ref{Reduce: -1}, all())
	q := all()
	q.Group = true
	for _, ref := range []view.Ref{{}, {Reduce: 1}} {
		m.check(b, d, ref, q)
		m.check(b, d, ref, all())
	}
	if got := b.query(d, view.Ref{}, q).rows[0].Value; bytes.Count(got, []byte(long)) != 20 {
		t.Error("values are missing")
	}
}
