package view_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"settle/storage/couch"
	"settle/storage/view"
)

// Writers, and readers whose queries bring the index up to date: every answer holds
// together, and in the end the index is what mapping everything gives.
func TestConcurrentQueries(t *testing.T) {
	b := newBench(t, false)
	d := joinDefinition("n")
	d.Views[0].Reduces = []string{"_count", "_sum"}
	const docs, writers, readers = 400, 3, 4
	var first [][2]string
	for i := range docs {
		first = append(first, [2]string{fmt.Sprintf("d%03d", i), fmt.Sprintf(`{"n":%d,"v":1}`, i)})
	}
	b.put(first...)
	b.query(d, view.Ref{}, all())
	var wg, reading sync.WaitGroup
	stop := make(chan struct{})
	for w := range writers {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(w), 3))
			for range 40 {
				i := rng.IntN(docs/writers)*writers + w
				b.put([2]string{fmt.Sprintf("d%03d", i), fmt.Sprintf(`{"n":%d,"v":1}`, rng.IntN(10_000))})
			}
		})
	}
	for range readers {
		reading.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				q := view.Query{Limit: -1, Update: view.UpdateMode(n % 3)}
				for reduce := range 2 { // each document has one row of value 1
					a, err := b.tryQuery(d, view.Ref{Reduce: reduce}, q)
					if err != nil || len(a.rows) > 1 || len(a.rows) == 1 && string(a.rows[0].Value) != fmt.Sprint(docs) || len(a.rows) == 0 && q.Update == view.UpdateTrue {
						t.Errorf("reduction %d: %v, %v", reduce, printRows(a.rows), err)
						return
					}
				}
				half := []byte("5000")
				low, err := b.tryQuery(d, view.Ref{Reduce: 1}, view.Query{Limit: -1, End: half, Update: view.UpdateFalse})
				if err != nil || len(low.rows) > 1 {
					t.Errorf("range: %v, %v", printRows(low.rows), err)
				}
			}
		})
	}
	wg.Wait()
	close(stop)
	reading.Wait()
	m := newModel(b, d, 0)
	m.check(b, d, view.Ref{Reduce: -1}, all())
	m.check(b, d, view.Ref{Reduce: 1}, all())
	if list := b.indexes.Tasks(); len(list) != 0 {
		t.Errorf("tasks at rest: %+v", list)
	}
}

// An index that is built shows how far it is.
func TestProgress(t *testing.T) {
	b := newBench(t, false)
	d := joinDefinition("n")
	var docs [][2]string
	for i := range 3000 {
		docs = append(docs, [2]string{fmt.Sprintf("d%04d", i), `{"n":1}`})
	}
	b.putNew(docs)
	ix := b.index(d)
	done := make(chan error, 1)
	go func() { done <- ix.Update(ctx) }()
	var seen couch.Task
	for {
		select {
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
			if seen.Type != couch.TaskIndexer || seen.Database != "alpha" || seen.DesignDocument != "_design/test" || seen.Total != 3000 || seen.Done < 500 {
				t.Errorf("the last task seen is %+v", seen)
			}
			return
		default:
			for _, task := range b.indexes.Tasks() {
				seen = task
			}
		}
	}
}
