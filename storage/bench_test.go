package storage_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"settle/storage"
	"settle/storage/couch"
)

func diskBench(b *testing.B) (*bench, *storage.Database) {
	b.Helper()
	s := newBenchIn(b, vfs.Default, b.TempDir())
	return s, s.create("bench")
}

// body is a document of about a kilobyte that does not compress.
func benchBody(n int) string {
	raw := make([]byte, 480)
	rand.Read(raw)
	return fmt.Sprintf(`{"n":%d,"data":"%x"}`, n, raw)
}

func BenchmarkPut(b *testing.B) {
	_, db := diskBench(b)
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		mustPut(b, db, fmt.Sprint("doc", n), "", benchBody(n))
	}
}

func BenchmarkPut32Writers(b *testing.B) {
	_, db := diskBench(b)
	b.ReportAllocs()
	b.SetParallelism(16) // on two cores
	b.RunParallel(func(pb *testing.PB) {
		raw := make([]byte, 8)
		rand.Read(raw)
		for n := 0; pb.Next(); n++ {
			mustPut(b, db, fmt.Sprintf("%x-%d", raw, n), "", benchBody(n))
		}
	})
}

func BenchmarkBulk1000(b *testing.B) {
	_, db := diskBench(b)
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		_, err := db.BulkDocs(context.Background(), func(yield func(*couch.Document, error) bool) {
			for i := range 1000 {
				if !yield(document(b, fmt.Sprintf("doc%d-%d", n, i), benchBody(i)), nil) {
					return
				}
			}
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkGet(b *testing.B) {
	_, db := diskBench(b)
	fillDocs(b, db, 10_000)
	b.ReportAllocs()
	b.ResetTimer()
	for n := 0; b.Loop(); n++ {
		if _, err := db.Get(context.Background(), couch.DocID(fmt.Sprint("doc", n*7919%10_000)), couch.GetOptions{}); err != nil {
			b.Fatal(err)
		}
	}
}

func fillDocs(b *testing.B, db *storage.Database, all int) {
	b.Helper()
	for from := 0; from < all; from += 1000 {
		_, err := db.BulkDocs(context.Background(), func(yield func(*couch.Document, error) bool) {
			for i := range 1000 {
				if !yield(document(b, fmt.Sprint("doc", from+i), benchBody(i)), nil) {
					return
				}
			}
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkChangesPage1000(b *testing.B) {
	_, db := diskBench(b)
	fillDocs(b, db, 10_000)
	for _, docs := range []bool{false, true} {
		b.Run(fmt.Sprint("docs=", docs), func(b *testing.B) {
			b.ReportAllocs()
			for n := 0; b.Loop(); n++ {
				since := couch.Seq(n * 1000 % 9000)
				for _, err := range db.Changes(context.Background(), couch.ChangesOptions{Since: since, Limit: 1000, IncludeDocs: docs}) {
					if err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}

func BenchmarkAttachment(b *testing.B) {
	for _, size := range []int{1 << 20, 100 << 20} {
		content := make([]byte, size)
		rand.Read(content)
		b.Run(fmt.Sprintf("in/%dMB", size>>20), func(b *testing.B) {
			_, db := diskBench(b)
			b.ReportAllocs()
			b.SetBytes(int64(size))
			for n := 0; b.Loop(); n++ {
				putContent(b, db, fmt.Sprint("doc", n), bytes.NewReader(content))
			}
		})
		b.Run(fmt.Sprintf("out/%dMB", size>>20), func(b *testing.B) {
			_, db := diskBench(b)
			a := putContent(b, db, "doc", bytes.NewReader(content))
			b.ReportAllocs()
			b.SetBytes(int64(size))
			for b.Loop() {
				blob, err := db.OpenBlob(context.Background(), a)
				if err != nil {
					b.Fatal(err)
				}
				r, err := blob.Reader(0, -1)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := io.Copy(io.Discard, r); err != nil {
					b.Fatal(err)
				}
				r.Close()
			}
		})
	}
}

func putContent(b *testing.B, db *storage.Database, id string, r io.Reader) couch.Attachment {
	b.Helper()
	p, err := db.WriteBlob(context.Background(), r, 0)
	if err != nil {
		b.Fatal(err)
	}
	mustPut(b, db, id, "", `{}`, couch.Attachment{Name: "a", ContentType: "application/octet-stream", Length: p.Length(), Digest: p.Digest(), Pending: p})
	doc, err := db.Get(context.Background(), couch.DocID(id), couch.GetOptions{})
	if err != nil {
		b.Fatal(err)
	}
	return doc.Attachments[0]
}

// BenchmarkBarePebble writes the same bytes without documents or encryption.
func BenchmarkBarePebble(b *testing.B) {
	open := func(b *testing.B) *pebble.DB {
		db, err := pebble.Open(b.TempDir(), &pebble.Options{Logger: quiet{}})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { db.Close() })
		return db
	}
	b.Run("put", func(b *testing.B) {
		db := open(b)
		b.ReportAllocs()
		for n := 0; b.Loop(); n++ {
			if err := db.Set([]byte(fmt.Sprint("doc", n)), []byte(benchBody(n)), pebble.Sync); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("bulk1000", func(b *testing.B) {
		db := open(b)
		b.ReportAllocs()
		for n := 0; b.Loop(); n++ {
			batch := db.NewBatch()
			for i := range 1000 {
				batch.Set(fmt.Appendf(nil, "doc%d-%d", n, i), []byte(benchBody(i)), nil)
			}
			if err := batch.Commit(pebble.Sync); err != nil {
				b.Fatal(err)
			}
		}
	})
	for name, megabytes := range map[string]int{"1MB": 1, "100MB": 100} {
		b.Run(name, func(b *testing.B) {
			db, content := open(b), make([]byte, 1<<20)
			rand.Read(content)
			b.ReportAllocs()
			b.SetBytes(int64(megabytes) << 20)
			for n := 0; b.Loop(); n++ {
				for part := range megabytes { // in rows that an engine can hold
					if err := db.Set(fmt.Appendf(nil, "doc%d-%d", n, part), content, pebble.Sync); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}

// BenchmarkBarePebbleReads reads the same bytes, in the same amounts.
func BenchmarkBarePebbleReads(b *testing.B) {
	const rows = 10_000
	db, err := pebble.Open(b.TempDir(), &pebble.Options{Logger: quiet{}})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() })
	for n := range rows {
		if err := db.Set(fmt.Appendf(nil, "doc%06d", n), []byte(benchBody(n)), pebble.NoSync); err != nil {
			b.Fatal(err)
		}
	}
	if err := db.Flush(); err != nil {
		b.Fatal(err)
	}
	b.Run("get", func(b *testing.B) {
		b.ReportAllocs()
		for n := 0; b.Loop(); n++ {
			value, done, err := db.Get(fmt.Appendf(nil, "doc%06d", n*7919%rows))
			if err != nil || len(value) == 0 {
				b.Fatal(err)
			}
			done.Close()
		}
	})
	b.Run("scan1000", func(b *testing.B) {
		b.ReportAllocs()
		for n := 0; b.Loop(); n++ {
			first := n * 1000 % rows
			it, err := db.NewIter(&pebble.IterOptions{LowerBound: fmt.Appendf(nil, "doc%06d", first), UpperBound: fmt.Appendf(nil, "doc%06d", first+1000)})
			if err != nil {
				b.Fatal(err)
			}
			read := 0
			for it.First(); it.Valid(); it.Next() {
				read++
			}
			if err := it.Close(); err != nil || read != 1000 {
				b.Fatal(read, err)
			}
		}
	})
}

type quiet struct{}

func (quiet) Infof(string, ...any)  {}
func (quiet) Errorf(string, ...any) {}
func (quiet) Fatalf(f string, args ...any) {
	panic(fmt.Sprintf(f, args...))
}
