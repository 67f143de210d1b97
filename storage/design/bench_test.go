package design_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"settle/storage/design"
)

func smallDocs(n int) [][]byte {
	docs := make([][]byte, n)
	for i := range docs {
		docs[i] = fmt.Appendf(nil, `{"_id":"doc-%06d","_rev":"1-967a00dff5e02add41819138abb3284d","type":"note","title":"Note %d","n":%d,"tags":["a","b"],"at":{"y":2026,"m":11}}`, i, i, i)
	}
	return docs
}

// BenchmarkMap maps 100,000 small documents, in batches of 1,000, with one
// goroutine and with two.
func BenchmarkMap(b *testing.B) {
	const source = `function (doc) { if (doc.type === "note") emit([doc.tags[0], doc.n], doc.title); }`
	docs := smallDocs(100_000)
	for _, workers := range []int{1, 2} {
		b.Run(fmt.Sprintf("workers=%d", workers), func(b *testing.B) {
			engine := design.New(design.Options{})
			defer engine.Close()
			mapper := engine.Mapper(anyScope, nil, []string{source})
			for b.Loop() {
				var next atomic.Int64
				var wg sync.WaitGroup
				for range workers {
					wg.Go(func() {
						for {
							at := int(next.Add(1000)) - 1000
							if at >= len(docs) {
								return
							}
							if _, err := mapper.Map(b.Context(), docs[at:at+1000]); err != nil {
								b.Error(err)
								return
							}
						}
					})
				}
				wg.Wait()
			}
			b.ReportMetric(float64(len(docs)*b.N)/b.Elapsed().Seconds(), "docs/s")
		})
	}
}

// BenchmarkValidate is one call of a validation function, as a write makes it.
func BenchmarkValidate(b *testing.B) {
	engine := design.New(design.Options{})
	defer engine.Close()
	doc, err := engine.Document(anyScope, []byte(`{"_id":"_design/v","validate_doc_update":"function (n, o, u, s) { if (!n.type) throw({forbidden: 'no type'}); }"}`))
	if err != nil {
		b.Fatal(err)
	}
	update := design.Update{New: smallDocs(1)[0], UserCtx: []byte(`{"db":"x","name":"a","roles":[]}`), Security: []byte(`{}`)}
	for b.Loop() {
		if err := doc.Validate(b.Context(), update); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkReduce is one reduction of 100 rows.
func BenchmarkReduce(b *testing.B) {
	engine := design.New(design.Options{})
	defer engine.Close()
	reducer := engine.Reducer(anyScope, "", `function (keys, values, rereduce) { return rereduce ? sum(values) : values.length; }`)
	rows := make([]design.ReduceRow, 100)
	for i := range rows {
		rows[i] = design.ReduceRow{Key: fmt.Sprint(i), ID: fmt.Sprintf("doc-%d", i), Value: "1"}
	}
	for b.Loop() {
		if _, err := reducer.Reduce(b.Context(), rows); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkStart is the first call of a design document's functions: a new runtime.
func BenchmarkStart(b *testing.B) {
	engine := design.New(design.Options{})
	defer engine.Close()
	for i := 0; b.Loop(); i++ {
		mapper := engine.Mapper(anyScope, nil, []string{fmt.Sprintf("function (doc) { emit(%d); }", i)})
		if _, err := mapper.Map(b.Context(), nil); err != nil {
			b.Fatal(err)
		}
	}
}
