package view_test

import (
	"flag"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"settle/storage/couch"
	"settle/storage/view"
)

// benchDocs documents emit rowsEach rows.
var benchDocs = flag.Int("view.docs", 10_000, "documents of the benchmarks, which emit 100 rows each")

const rowsEach = 100

func init() {
	mapFunctions["many"] = func(doc map[string]any) []view.Emitted {
		n := int(doc["n"].(float64))
		out := make([]view.Emitted, rowsEach)
		for i := range out {
			k := (n*rowsEach + i) * 7919 % (rowsEach * *benchDocs)
			out[i] = view.Emitted{Key: fmt.Sprintf(`["g%d","h%d",%d]`, k%10, k%1000, k), Value: fmt.Sprint(k % 97)}
		}
		return out
	}
	mapFunctions["one"] = func(doc map[string]any) []view.Emitted {
		return []view.Emitted{{Key: fmt.Sprintf("%q", fmt.Sprint(doc["n"])), Value: "1"}}
	}
}

func benchDefinition() *view.Definition {
	d := joinDefinition("many")
	d.Views[0].Reduces = []string{"_approx_count_distinct", "_count", "_stats", "_sum"}
	return d
}

func newBigBench(b *testing.B, docs int) *bench {
	b.Helper()
	bench := newBenchOn(b, vfs.Default, false)
	var batch [][2]string
	for n := range docs {
		if batch = append(batch, [2]string{fmt.Sprintf("doc-%07d", n), fmt.Sprintf(`{"n":%d,"text":"some more text, as documents have"}`, n)}); len(batch) == 1000 || n == docs-1 {
			bench.putNew(batch)
			batch = nil
		}
	}
	return bench
}

// Queries of a view of a million rows.
func BenchmarkQuery(b *testing.B) {
	bench := newBigBench(b, *benchDocs)
	d := benchDefinition()
	start := time.Now()
	all := bench.query(d, view.Ref{Reduce: 1}, view.Query{Limit: -1})
	b.Logf("%s rows are built in %v", all.rows[0].Value, time.Since(start))
	key := func(format string, args ...any) []byte { return fmt.Appendf(nil, format, args...) }
	rows := *benchDocs * rowsEach
	ref := func(reduce int) view.Ref { return view.Ref{Reduce: reduce} }
	for _, c := range []struct {
		name string
		ref  view.Ref
		q    view.Query
	}{
		{"whole-distinct", ref(0), view.Query{Limit: -1}},
		{"whole-count", ref(1), view.Query{Limit: -1}},
		{"whole-stats", ref(2), view.Query{Limit: -1}},
		{"whole-sum", ref(3), view.Query{Limit: -1}},
		{"range-sum", ref(3), view.Query{Limit: -1, Start: key(`["g1","h5"]`), End: key(`["g7","h77"]`)}},
		{"range-stats", ref(2), view.Query{Limit: -1, Start: key(`["g1","h5"]`), End: key(`["g7","h77"]`)}},
		{"level1-10groups", ref(3), view.Query{Limit: -1, GroupLevel: 1}},
		{"level2-1000groups", ref(3), view.Query{Limit: -1, GroupLevel: 2}},
		{"group-limit100", ref(3), view.Query{Limit: 100, Group: true}},
		{"point", ref(-1), view.Query{Limit: -1, Start: key(`["g3","h3",3]`), End: key(`["g3","h3",3]`)}},
		{"range-100rows", ref(-1), view.Query{Limit: 100, Start: key(`["g5"]`)}},
		{"range-descending", ref(-1), view.Query{Limit: 100, Start: key(`["g5"]`), Descending: true}},
		{"skip-half", ref(-1), view.Query{Limit: 10, Skip: int64(rows / 2)}},
	} {
		c.q.Update = view.UpdateFalse
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				bench.query(d, c.ref, c.q)
			}
		})
	}
	b.Run("range-parallel64", func(b *testing.B) {
		b.SetParallelism(64 / runtime.GOMAXPROCS(0))
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				bench.query(d, ref(-1), view.Query{Limit: 20, Start: key(`["g5"]`), Update: view.UpdateFalse})
			}
		})
	})
	b.Run("update-1doc-then-sum", func(b *testing.B) {
		n := 0
		for b.Loop() {
			n++
			bench.put([2]string{fmt.Sprintf("doc-%07d", n%*benchDocs), fmt.Sprintf(`{"n":%d,"edit":%d}`, n+13, n)})
			bench.query(d, ref(3), view.Query{Limit: -1})
		}
	})
}

// Builds of a view with one row a document.
func BenchmarkBuild(b *testing.B) {
	const docs = 100_000
	bench := newBigBench(b, docs)
	d := joinDefinition("one")
	d.Views[0].Reduces = []string{"_count"}
	b.Run("100000-docs", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			d.Lib = fmt.Append(nil, b.N, i) // another index
			bench.query(d, view.Ref{}, view.Query{Limit: -1})
		}
	})
	b.Run("edit-100-then-query", func(b *testing.B) {
		for n := 0; b.Loop(); n++ {
			var edits [][2]string
			for i := range 100 {
				edits = append(edits, [2]string{fmt.Sprintf("doc-%07d", i*1000+n%1000), fmt.Sprintf(`{"n":%d}`, -n*100-i)})
			}
			bench.put(edits...)
			bench.query(d, view.Ref{}, view.Query{Limit: -1})
		}
	})
}

// putNew writes documents that are not there yet.
func (b *bench) putNew(docs [][2]string) {
	b.t.Helper()
	_, err := b.db.BulkDocs(ctx, func(yield func(*couch.Document, error) bool) {
		for _, d := range docs {
			if !yield(&couch.Document{ID: couch.DocID(d[0]), Body: bodyOf(b.t, d[1])}, nil) {
				return
			}
		}
	})
	if err != nil {
		b.t.Fatal(err)
	}
}
