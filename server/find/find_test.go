package find_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"settle/storage"
	"settle/storage/mango"
	"settle/storage/storagetest"
)

// found is an answer of `_find`.
type found struct {
	Docs     []json.RawMessage
	Bookmark string
	Warning  string
	Stats    *struct {
		Keys    int `json:"total_keys_examined"`
		Docs    int `json:"total_docs_examined"`
		Quorum  int `json:"total_quorum_docs_examined"`
		Results int `json:"results_returned"`
	} `json:"execution_stats"`
}

func (b *bench) find(path, body string) found {
	b.t.Helper()
	var f found
	if err := json.Unmarshal([]byte(b.must("POST", path, body)), &f); err != nil {
		b.t.Fatal(err)
	}
	return f
}

// ids returns the ids of the documents found.
func (f found) ids(t testing.TB) []string {
	t.Helper()
	ids := []string{}
	for _, doc := range f.Docs {
		var d struct {
			ID string `json:"_id"`
		}
		if err := json.Unmarshal(doc, &d); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, d.ID)
	}
	return ids
}

// Random selectors find the same documents by whatever index as a filter over all
// documents does, page by page.
func TestFindEqualsFilter(t *testing.T) {
	b := newBench(t, storage.CreateOptions{})
	rng := rand.New(rand.NewPCG(1, 2))
	docs := map[string]string{}
	for i := range 200 {
		id := fmt.Sprintf("d%03d", i)
		docs[id] = fmt.Sprintf(`{"_id":%q%s}`, id, randomMembers(rng))
		storagetest.Write(t, b.db, docs[id])
	}
	for i, fields := range []string{`["a"]`, `["b","a"]`, `["a","c.d"]`, `["c"]`} {
		b.must("POST", "/db/_index", fmt.Sprintf(`{"index":{"fields":%s},"ddoc":"i%d"}`, fields, i))
	}
	for range 300 {
		text := randomSelector(rng, 2)
		want := matching(t, docs, text)
		fields := []string{`[]`, `["_id"]`, `["a","_id"]`, `["_id","a","b"]`}[rng.IntN(4)]
		if got := b.pages(text, fields, 1+rng.IntN(40)); !slices.Equal(got, want) {
			t.Fatalf("%s %s: %s", text, fields, cmp.Diff(want, got))
		}
	}
}

// pages finds all documents that a selector matches, so many at a time, and returns
// their ids in order of the ids.
func (b *bench) pages(selector, fields string, limit int) []string {
	b.t.Helper()
	all, bookmark := []string{}, ""
	for {
		f := b.find("/db/_find", fmt.Sprintf(`{"selector":%s,"fields":%s,"limit":%d,"bookmark":%q}`, selector, fields, limit, bookmark))
		all = append(all, f.ids(b.t)...)
		if len(f.Docs) < limit {
			slices.Sort(all)
			return all
		}
		bookmark = f.Bookmark
	}
}

func matching(t *testing.T, docs map[string]string, selector string) []string {
	t.Helper()
	parsed, err := mango.Parse([]byte(selector))
	if err != nil {
		t.Fatal(err)
	}
	ids := []string{}
	for id, doc := range docs {
		if parsed.Match([]byte(doc)) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

func randomMembers(rng *rand.Rand) string {
	var s strings.Builder
	for _, name := range []string{"a", "b", "c"} {
		if rng.IntN(4) > 0 {
			fmt.Fprintf(&s, `,%q:%s`, name, randomValue(rng, name == "c"))
		}
	}
	return s.String()
}

func randomValue(rng *rand.Rand, nested bool) string {
	values := []string{"null", "true", "0", "1", "2", "2.5", `"x"`, `"y"`, `"Y"`, `[1]`, `[1,"x"]`, `{"d":1}`}
	if nested && rng.IntN(2) == 0 {
		return fmt.Sprintf(`{"d":%s}`, randomValue(rng, false))
	}
	return values[rng.IntN(len(values))]
}

func randomSelector(rng *rand.Rand, depth int) string {
	if depth > 0 && rng.IntN(3) == 0 {
		op := []string{"$and", "$or", "$nor"}[rng.IntN(3)]
		return fmt.Sprintf(`{%q:[%s,%s]}`, op, randomSelector(rng, depth-1), randomSelector(rng, depth-1))
	}
	field := []string{"a", "b", "c", "c.d", "_id"}[rng.IntN(5)]
	value := randomValue(rng, false)
	if field == "_id" {
		value = fmt.Sprintf(`"d%03d"`, rng.IntN(200))
	}
	op := []string{"$eq", "$gt", "$gte", "$lt", "$lte", "$ne", "$exists", "$in"}[rng.IntN(8)]
	switch op {
	case "$exists":
		value = []string{"true", "false"}[rng.IntN(2)]
	case "$in":
		value = "[" + value + "]"
	}
	return fmt.Sprintf(`{%q:{%q:%s}}`, field, op, value)
}

func TestSortedPages(t *testing.T) {
	b := newBench(t, storage.CreateOptions{})
	for i := range 50 {
		storagetest.Write(t, b.db, fmt.Sprintf(`{"_id":"d%02d","n":%d}`, i, i/5))
	}
	b.must("POST", "/db/_index", `{"index":{"fields":["n"]},"ddoc":"n"}`)
	for _, direction := range []string{"asc", "desc"} {
		var all []string
		bookmark := ""
		for {
			f := b.find("/db/_find", fmt.Sprintf(`{"selector":{"n":{"$gte":2}},"sort":[{"n":%q}],"limit":7,"bookmark":%q}`, direction, bookmark))
			if len(f.Docs) == 0 {
				break
			}
			all, bookmark = append(all, f.ids(t)...), f.Bookmark
		}
		if direction == "desc" {
			slices.Reverse(all)
		}
		if len(all) != 40 || !slices.IsSorted(all) {
			t.Errorf("%s: %v", direction, all)
		}
	}
}

func TestStatsAndWarnings(t *testing.T) {
	b := newBench(t, storage.CreateOptions{})
	for i := range 30 {
		storagetest.Write(t, b.db, fmt.Sprintf(`{"_id":"d%02d","n":%d}`, i, i))
	}
	b.must("POST", "/db/_index", `{"index":{"fields":["n"]},"ddoc":"n"}`)
	f := b.find("/db/_find", `{"selector":{"n":{"$lt":5}},"execution_stats":true}`)
	if f.Stats == nil || f.Stats.Keys != 6 || f.Stats.Docs != 6 || f.Stats.Results != 5 || f.Warning != "" {
		t.Errorf("by the index: %+v %q", f.Stats, f.Warning)
	}
	f = b.find("/db/_find", `{"selector":{"n":{"$lt":2}},"fields":["n","_id"],"execution_stats":true}`)
	if f.Stats.Docs != 0 || len(f.Docs) != 2 || string(f.Docs[1]) != `{"n":1,"_id":"d01"}` {
		t.Errorf("covered: %+v %s", f.Stats, f.Docs)
	}
	f = b.find("/db/_find", `{"selector":{"m":{"$exists":false},"n":3},"use_index":"other"}`)
	if !strings.Contains(f.Warning, "_design/other was not used") {
		t.Errorf("an index that is not there: %q", f.Warning)
	}
	f = b.find("/db/_find", `{"selector":{"_id":{"$gt":null},"z":1}}`)
	if !strings.Contains(f.Warning, "No matching index") || !strings.Contains(f.Warning, "documents examined is high") {
		t.Errorf("a scan: %q", f.Warning)
	}
}

func TestPartition(t *testing.T) {
	b := newBench(t, storage.CreateOptions{Partitioned: true})
	for _, p := range []string{"x", "y"} {
		for i := range 5 {
			storagetest.Write(t, b.db, fmt.Sprintf(`{"_id":"%s:%d","n":%d}`, p, i, i))
		}
	}
	want := []string{"y:3", "y:4"}
	for range 2 {
		if got := b.find("/db/_partition/y/_find", `{"selector":{"n":{"$gt":2}}}`).ids(t); !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
		b.must("POST", "/db/_index", `{"index":{"fields":["n"]},"ddoc":"n"}`) // for the second time
	}
	if status, _ := b.send("POST", "/db/_partition/y/_find", `{"selector":{},"partition":"x"}`); status != 400 {
		t.Errorf("two partitions: %d", status)
	}
	if status, answer := b.send("POST", "/db/_partition/y/_find?partition=x", `{"selector":{}}`); status != 400 {
		t.Errorf("another partition in the query: %d %s", status, answer)
	}
	if got, want := b.must("GET", "/db/_partition/y/_index", ""), b.must("GET", "/db/_index", ""); got != want {
		t.Errorf("the indexes below a partition: %s, want %s", got, want)
	}
}

// What comes behind `_find` and `_explain` does not count, as in CouchDB.
func TestPathsBelow(t *testing.T) {
	b := newBench(t, storage.CreateOptions{Partitioned: true})
	storagetest.Write(t, b.db, `{"_id":"p:a"}`)
	for _, path := range []string{"/db/_find/x", "/db/_find/x/y", "/db/_partition/p/_find/x"} {
		if got := b.find(path, `{"selector":{"_id":"p:a"}}`).ids(t); !slices.Equal(got, []string{"p:a"}) {
			t.Errorf("%s: %v", path, got)
		}
		if status, answer := b.send("GET", path, ""); status != 405 || !strings.Contains(answer, "Only POST allowed") {
			t.Errorf("GET %s: %d %s", path, status, answer)
		}
	}
	b.must("POST", "/db/_explain/x", `{"selector":{}}`)
}

func TestIndexes(t *testing.T) {
	b := newBench(t, storage.CreateOptions{})
	create := `{"index":{"fields":["a"]},"ddoc":"d","name":"a"}`
	for _, want := range []string{"created", "exists"} {
		if got := b.must("POST", "/db/_index", create); !strings.Contains(got, `"`+want+`"`) {
			t.Errorf("%s, want %s", got, want)
		}
	}
	b.must("POST", "/db/_index", `{"index":{"fields":["b"]},"ddoc":"d","name":"b"}`)
	for _, name := range []string{"a", "b"} {
		b.must("POST", "/db/_index", `{"index":{"fields":["c"]},"ddoc":"several","name":"`+name+`"}`)
	}
	for _, tt := range []struct {
		method, path, body string
		status             int
	}{
		{"GET", "/db/_index?limit=0", "", 400},
		{"GET", "/db/_index?skip=-1", "", 400},
		{"DELETE", "/db/_index/d/json/none", "", 404},
		{"DELETE", "/db/_index/d/text/a", "", 404},
		{"DELETE", "/db/_index/_design/d/json/a", "", 200},
		{"POST", "/db/_index/_bulk_delete", `{"docids":["none"]}`, 200},
		{"POST", "/db/_index/_bulk_delete", `{"docids":[1]}`, 400},
		{"POST", "/db/_index/_bulk_delete", `{"docids":["a/b/c"]}`, 400},
		{"POST", "/db/_index/_bulk_delete", `{"docids":["several"]}`, 400},
		{"POST", "/db/_index/_bulk_delete", `{"docids":["_design/d"]}`, 200},
		{"DELETE", "/db/_index/several/json/a", "", 200},
		{"DELETE", "/db/_index/several/json/b", "", 200},
	} {
		if status, answer := b.send(tt.method, tt.path, tt.body); status != tt.status {
			t.Errorf("%s %s: %d %s", tt.method, tt.path, status, answer)
		}
	}
	if status, answer := b.send("DELETE", "/db/_index/d/json/b", ""); status != 404 || !strings.Contains(answer, `"missing"`) {
		t.Errorf("an index that was removed: %d %s", status, answer)
	}
	if got := b.must("GET", "/db/_index?skip=0&limit=5", ""); !strings.Contains(got, `"total_rows":1`) {
		t.Errorf("left is %s", got)
	}
}

// Of two indexes with many rows that fit equally well the one with fewer is read, and a search
// that has begun in one stays there, whatever is written meanwhile.
func TestFindReadsFewestRows(t *testing.T) {
	b := newBench(t, storage.CreateOptions{})
	docs := make([]string, 1200)
	for i := range docs {
		docs[i] = fmt.Sprintf(`{"_id":"d%04d","common":1,"rare":%d}`, i, i/10)
	}
	storagetest.Write(t, b.db, docs...)
	for _, name := range []string{"common", "rare"} {
		b.must("POST", "/db/_index", fmt.Sprintf(`{"index":{"fields":[%q]},"ddoc":%[1]q,"name":%[1]q}`, name))
		b.find("/db/_find", fmt.Sprintf(`{"selector":{%q:1}}`, name)) // builds it
	}
	query := func(bookmark string) string {
		return fmt.Sprintf(`{"selector":{"common":1,"rare":2},"limit":4,"bookmark":%q}`, bookmark)
	}
	if f := b.find("/db/_find", `{"selector":{"common":1,"rare":2},"execution_stats":true}`); f.Stats.Keys != 10 {
		t.Errorf("%d keys are examined for 10 documents", f.Stats.Keys)
	}
	var got []string
	for bookmark, page := "", 0; page < 4; page++ {
		f := b.find("/db/_find", query(bookmark))
		got = append(got, f.ids(t)...)
		bookmark = f.Bookmark
		if page == 0 {
			for i := range docs { // now "common" has fewer rows
				docs[i] = fmt.Sprintf(`{"_id":"e%04d","rare":2}`, i)
			}
			storagetest.Write(t, b.db, docs...)
			for _, field := range []string{"rare", "common"} {
				b.find("/db/_find", fmt.Sprintf(`{"selector":{%q:1}}`, field)) // updates it
			}
		}
	}
	if want := []string{"d0020", "d0021", "d0022", "d0023", "d0024", "d0025", "d0026", "d0027", "d0028", "d0029"}; !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
	answer := b.must("POST", "/db/_explain", query(""))
	if index, _, _ := strings.Cut(answer, `"type"`); !strings.Contains(index, `"name":"common"`) {
		t.Errorf("then the index is %s", index)
	}
}

func BenchmarkFind(b *testing.B) {
	bench := newBench(b, storage.CreateOptions{})
	var docs []string
	for i := range 10_000 {
		docs = append(docs, fmt.Sprintf(`{"_id":"d%05d","n":%d,"text":"some text of a document"}`, i, i))
	}
	storagetest.Write(b, bench.db, docs...)
	bench.must("POST", "/db/_index", `{"index":{"fields":["n"]},"ddoc":"n"}`)
	bench.must("POST", "/db/_find", `{"selector":{"n":1}}`) // builds it
	for name, query := range map[string]string{
		"index": `{"selector":{"n":{"$gte":5000}}}`, "scan": `{"selector":{"text":"none"}}`, "id": `{"selector":{"_id":"d05000"}}`,
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				bench.must("POST", "/db/_find", query)
			}
		})
	}
}
