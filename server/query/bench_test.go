package query_test

import (
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"fmt"
	"net/http"
	"runtime"
	"testing"

	"settle/storage"
	"settle/storage/couch"
	"settle/storage/storagetest"
)

// benchDocs is of how many documents the views of the benchmarks are.
var benchDocs = flag.Int("query.docs", 100_000, "documents of the benchmarks")

// naming gives a document of the benchmarks, by its number, an id.
type naming func(n int) string

// Ids in the order in which documents are written, and in no order, as those that PouchDB
// makes up.
func ordered(n int) string { return fmt.Sprintf("doc-%07d", n) }

func scattered(n int) string {
	sum := sha256.Sum256([]byte(ordered(n)))
	return hex.EncodeToString(sum[:16])
}

// newBig returns a server over a database of benchDocs small documents, the database, and
// the documents' revisions.
func newBig(b *testing.B, id naming) (http.Handler, *storage.Database, []couch.RevID) {
	b.Helper()
	store := storagetest.Open(b)
	db := storagetest.Database(b, store, "db", storage.CreateOptions{})
	var batch []string
	var revs []couch.RevID
	for n := range *benchDocs {
		batch = append(batch, bigDoc(id(n), n, ""))
		if len(batch) == 1000 || n == *benchDocs-1 {
			revs = append(revs, storagetest.Write(b, db, batch...)...)
			batch = batch[:0]
		}
	}
	return newHandler(b, store), db, revs
}

// bigDoc is a document with a value n; more is further members.
func bigDoc(id string, n int, more string) string {
	return fmt.Sprintf(`{"_id":%q,%s"type":"note","title":"Note %d","n":%d,"tags":["a","b"]}`, id, more, n, n)
}

// countView writes a design document whose functions no other has had.
func countView(b *testing.B, db *storage.Database, name string) (path string) {
	b.Helper()
	storagetest.Write(b, db, fmt.Sprintf(`{"_id":"_design/%s","views":{"n":{
		"map":"function (doc) { if (doc.type === 'note') emit(doc.n, doc.title); } // %[1]s","reduce":"_count"}}}`, name))
	return "/db/_design/" + name + "/_view/n"
}

// Builds of a view with a JavaScript map function and `_count`.
func BenchmarkBuild(b *testing.B) {
	for _, c := range []struct {
		name string
		id   naming
	}{{"ordered", ordered}, {"scattered", scattered}} {
		b.Run("ids="+c.name, func(b *testing.B) {
			h, db, _ := newBig(b, c.id)
			runs := 0
			for b.Loop() {
				b.StopTimer()
				path := countView(b, db, fmt.Sprintf("v%d", runs))
				runs++
				b.StartTimer()
				mustGet(b, h, path)
			}
			b.ReportMetric(float64(*benchDocs*runs)/b.Elapsed().Seconds(), "docs/s")
		})
	}
}

// Edits of one document in a thousand, and the query behind them.
func BenchmarkUpdate(b *testing.B) {
	h, db, revs := newBig(b, ordered)
	path := countView(b, db, "v")
	mustGet(b, h, path)
	for edit := 1; b.Loop(); edit++ {
		b.StopTimer()
		for id := edit % 1000; id < *benchDocs; id += 1000 {
			rev := fmt.Sprintf(`"_rev":%q,`, revs[id])
			revs[id] = storagetest.Write(b, db, bigDoc(ordered(id), id+edit, rev))[0]
		}
		b.StartTimer()
		mustGet(b, h, path)
	}
}

// Queries from one client, and from 64 at once.
func BenchmarkView(b *testing.B) {
	h, db, _ := newBig(b, ordered)
	path := countView(b, db, "v")
	mustGet(b, h, path)
	for _, c := range []struct{ name, query string }{
		{"point", "reduce=false&key=%d"},
		{"range-100", "reduce=false&limit=100&startkey=%d"},
		{"count-range", "startkey=%d"},
	} {
		for _, clients := range []int{1, 64} {
			b.Run(fmt.Sprintf("%s/clients=%d", c.name, clients), func(b *testing.B) {
				b.SetParallelism(max(1, clients/runtime.GOMAXPROCS(0)))
				if clients == 1 {
					for n := 0; b.Loop(); n++ {
						mustGet(b, h, path+"?"+fmt.Sprintf(c.query, n*7919%*benchDocs))
					}
					return
				}
				b.RunParallel(func(pb *testing.PB) {
					for n := 0; pb.Next(); n++ {
						mustGet(b, h, path+"?"+fmt.Sprintf(c.query, n*7919%*benchDocs))
					}
				})
			})
		}
	}
}

func mustGet(b *testing.B, h http.Handler, path string) {
	b.Helper()
	if answer := send(b, h, "GET", path, ""); answer.Code != http.StatusOK {
		b.Errorf("%s: %d %s", path, answer.Code, answer.Body)
	}
}
