package storage_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/go-cmp/cmp"

	"settle/storage"
	"settle/storage/couch"
	"settle/storage/kv"
	"settle/storage/schema"
)

// partitions returns how many partitions of the engine are databases, or spools.
func (b *bench) partitions() int {
	b.t.Helper()
	all, err := b.kv.Partitions(context.Background(), kv.Partition{}, 1000)
	if err != nil {
		b.t.Fatal(err)
	}
	return len(slices.DeleteFunc(all, func(p kv.Partition) bool { return schema.PartitionNumber(p) < schema.FirstDatabase }))
}

// batchOf makes a batch in which ids come several times: new ones, edits of
// revs, conflicts, deletions, stubs.
func batchOf(t *testing.T, db *storage.Database, rng *rand.Rand, revs map[string]string) []*couch.Document {
	var docs []*couch.Document
	for i := range 60 {
		id := fmt.Sprint("doc", rng.IntN(40))
		doc := document(t, id, fmt.Sprintf(`{"i":%d,"pad":%q}`, i, strings.Repeat("x", rng.IntN(300))))
		doc.Deleted = rng.IntN(8) == 0
		if rev := revs[id]; rev != "" && rng.IntN(4) > 0 {
			doc.Revisions = couch.PathTo(parseRev(t, rev))
			if strings.HasPrefix(rev, "1-") && rng.IntN(2) == 0 {
				doc.Attachments = append(doc.Attachments, couch.Attachment{Name: "a", Stub: true})
			}
		}
		if rng.IntN(3) == 0 {
			doc.Attachments = append(doc.Attachments, blob(t, db, "b", "text/plain", fmt.Sprint("content ", i)))
		}
		docs = append(docs, doc)
	}
	return docs
}

// A batch has the same results, feed and bodies whether it fits memory or not,
// and in however many transactions it is written. The sequences are the same
// too, but where the edits of one document are in several transactions.
func TestSpooledBatchIsTheSame(t *testing.T) {
	type outcome struct {
		Results []string
		Feed    []string
		Bodies  []string
	}
	run := func(t *testing.T, seed uint64, bytes, docs int, exact bool) (out outcome) {
		b := newBench(t)
		db := b.create("alpha")
		if bytes >= 0 {
			b.store.LimitBatches(bytes, docs)
		}
		rng := rand.New(rand.NewPCG(seed, 5))
		revs := make(map[string]string)
		for i := range 20 {
			id := fmt.Sprint("doc", i)
			revs[id] = mustPut(t, db, id, "", `{}`, blob(t, db, "a", "text/plain", id))
		}
		results, err := db.BulkDocs(context.Background(), storage.Docs(batchOf(t, db, rng, revs)...))
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range results {
			out.Results = append(out.Results, fmt.Sprint(r.ID, r.Rev, r.Err))
		}
		for _, line := range feed(t, db, couch.ChangesOptions{AllLeaves: true}) {
			seq, rest, _ := strings.Cut(line, " ")
			if exact {
				rest = seq + " " + rest
			}
			out.Feed = append(out.Feed, rest)
		}
		for i := range 40 {
			out.Bodies = append(out.Bodies, get(t, db, fmt.Sprint("doc", i), couch.GetOptions{Revs: true}))
		}
		if n := b.partitions(); n != 1 {
			t.Errorf("%d partitions are left, want the database's", n)
		}
		return out
	}
	for seed := range uint64(4) {
		for _, limit := range []struct{ bytes, docs int }{{0, 1000}, {8000, 1000}, {1 << 20, 9}, {3000, 20}} {
			exact := limit.bytes >= 8000 // no document has so many edits
			want, got := run(t, seed, -1, 0, exact), run(t, seed, limit.bytes, limit.docs, exact)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("seed %d, %+v (-in memory +spooled):\n%s", seed, limit, diff)
			}
		}
	}
}

// Revisions of one document that are too many for a transaction are written all.
func TestSpooledRevisionsOfOneDocument(t *testing.T) {
	b := newBench(t)
	db := b.create("alpha")
	b.store.LimitBatches(2000, 10)
	var docs []*couch.Document
	for i := range 100 {
		doc := document(t, "x", fmt.Sprintf(`{"i":%d}`, i))
		doc.Revisions = couch.Revisions{Start: uint64(1 + i%3), Hashes: []string{fmt.Sprintf("%032x", i)}}
		if i%3 > 0 {
			doc.Revisions.Hashes = append(doc.Revisions.Hashes, fmt.Sprintf("%032x", i-1))
			doc.Attachments = []couch.Attachment{{Name: "a", Stub: true}}
		} else {
			doc.Attachments = []couch.Attachment{blob(t, db, "a", "text/plain", "content")}
		}
		for j := range doc.Revisions.Hashes {
			doc.Revisions.Hashes[j] = couch.ParseRevHash(doc.Revisions.Hashes[j])
		}
		docs = append(docs, doc)
	}
	if _, err := db.PutRevs(context.Background(), storage.Docs(docs...)); err != nil {
		t.Fatal(err)
	}
	revs, err := db.OpenRevs(context.Background(), "x", couch.OpenRevsOptions{All: true}, couch.GetOptions{})
	if err != nil || len(revs) != 34 {
		t.Errorf("%d leaves, %v", len(revs), err)
	}
}

// A malformed document or a missing stub, wherever it stands, writes nothing.
func TestRefusedBatchWritesNothing(t *testing.T) {
	malformed := couch.Errorf(couch.BadRequest, "malformed")
	stub := &couch.Document{ID: "doc 77", Body: couch.Body{Text: []byte(`{}`), Term: []byte{}}, Attachments: []couch.Attachment{{Name: "none", Stub: true}}}
	for _, tt := range []struct {
		name string
		last iter.Seq2[*couch.Document, error]
		want error
	}{
		{"malformed", func(yield func(*couch.Document, error) bool) { yield(nil, malformed) }, malformed},
		{"missing stub", storage.Docs(stub), couch.ErrMissingStub},
	} {
		for _, limit := range []int{1 << 20, 3000, 0} {
			b := newBench(t)
			db := b.create("alpha")
			b.store.LimitBatches(limit, 4)
			_, err := db.BulkDocs(context.Background(), func(yield func(*couch.Document, error) bool) {
				for i := range 20 {
					doc := document(t, fmt.Sprint("doc ", i), `{}`)
					if i < 4 {
						doc.Attachments = []couch.Attachment{blob(t, db, "a", "text/plain", strings.Repeat("x", 50_000*(i%2)))}
					}
					if !yield(doc, nil) {
						return
					}
				}
				for d, err := range tt.last {
					yield(d, err)
				}
			})
			if !errors.Is(err, tt.want) {
				t.Errorf("%s: %v", tt.name, err)
			}
			if seq, n := updateSeq(t, db), b.partitions(); seq != 0 || n != 1 {
				t.Errorf("%s, limit %d: update sequence %d, %d partitions", tt.name, limit, seq, n)
			}
			if files := blobFiles(t, b.fs, "data/blobs"); len(files) > 0 {
				t.Errorf("%s, limit %d: files %v are left", tt.name, limit, files)
			}
		}
	}
}

// A database that is dropped while a batch comes in takes the batch with it.
func TestDropWhileSpooling(t *testing.T) {
	b := newBench(t)
	db := b.create("alpha")
	b.store.LimitBatches(0, 4)
	_, err := db.BulkDocs(context.Background(), func(yield func(*couch.Document, error) bool) {
		for i := range 20 {
			if i == 10 {
				if err := b.store.DropDatabase(context.Background(), "alpha"); err != nil {
					t.Fatal(err)
				}
			}
			if !yield(document(t, fmt.Sprint("doc", i), `{}`), nil) {
				return
			}
		}
	})
	if !errors.Is(err, couch.ErrDatabaseMissing) {
		t.Errorf("%v", err)
	}
	b.store.WaitForBackground()
	if n := b.partitions(); n != 0 {
		t.Errorf("%d partitions are left", n)
	}
}

// A crash at any moment of a spooled batch leaves a beginning of it, in the
// order of ids, and no spool.
func TestCrashWhileSpooling(t *testing.T) {
	for seed := range uint64(12) {
		rng := rand.New(rand.NewPCG(seed, 11))
		mem := vfs.NewCrashableMem()
		b := newBenchOn(t, mem)
		db := b.create("alpha")
		b.store.LimitBatches(2000, 3)
		crashed := make(chan *vfs.MemFS, 1)
		crash := func() {
			crashed <- mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: rng.IntN(101), RNG: rng})
		}
		const docs = 60
		at := rng.IntN(docs + 20)
		if at >= docs {
			go func() {
				for range at - docs {
					<-db.Wait()
				}
				crash()
			}()
		}
		_, err := db.BulkDocs(context.Background(), func(yield func(*couch.Document, error) bool) {
			for i := range docs {
				if i == at {
					crash()
				}
				if !yield(document(t, fmt.Sprintf("doc%02d", docs-i), fmt.Sprintf(`{"pad":%q}`, strings.Repeat("x", rng.IntN(900)))), nil) {
					return
				}
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		for n := 0; len(crashed) == 0; n++ {
			mustPut(t, db, fmt.Sprint("wake", n), "", `{}`)
			runtime.Gosched()
		}
		after := <-crashed
		b.close()
		b.fs = after
		b.open()
		b.check()
		b.store.WaitForBackground()
		if n := b.partitions(); n != 1 {
			t.Errorf("seed %d: %d partitions after the crash", seed, n)
		}
		db, err = b.store.Database(context.Background(), "alpha")
		if err != nil {
			t.Fatal(err)
		}
		lines := feed(t, db, couch.ChangesOptions{})
		for i, line := range lines[:min(docs, len(lines))] {
			if want := fmt.Sprintf("%d doc%02d ", i+1, i+1); !strings.HasPrefix(line, want) {
				t.Errorf("seed %d: row %d is %s", seed, i, line)
			}
		}
		if at < docs && len(lines) > 0 {
			t.Errorf("seed %d: %d rows of a batch that had not come in", seed, len(lines))
		}
	}
}

// Memory does not grow with a batch. The first one fills what the engine keeps.
func TestMemoryOfLargeBatch(t *testing.T) {
	if testing.Short() || underRace {
		t.Skip("moves 200 MB")
	}
	b := newBenchIn(t, vfs.Default, t.TempDir())
	weighed := &weighingKV{Pebble: b.kv}
	if err := b.store.Close(); err != nil {
		t.Fatal(err)
	}
	var err error
	b.store, err = storage.Open(context.Background(), storage.Options{KV: weighed, Keyring: b.keyring, BlobFS: b.fs, BlobDir: b.fs.PathJoin(b.dir, "blobs")})
	if err != nil {
		t.Fatal(err)
	}
	db := b.create("alpha")
	writeLargeBatch(t, db, 30)
	before := heap()
	weighed.most = before
	writeLargeBatch(t, db, 200)
	if weighed.most > before+32<<20 {
		t.Errorf("the heap grew from %d MB to %d MB", before>>20, weighed.most>>20)
	}
}

// weighingKV looks at the heap within every third transaction.
type weighingKV struct {
	*kv.Pebble
	n    int
	most uint64
}

func (w *weighingKV) Update(ctx context.Context, p kv.Partition, fn func(kv.Tx) error, opts ...kv.UpdateOption) error {
	return w.Pebble.Update(ctx, p, func(tx kv.Tx) error {
		err := fn(tx)
		if w.n++; w.n%3 == 0 {
			w.most = max(w.most, heap())
		}
		return err
	}, opts...)
}

// writeLargeBatch writes so many million bytes in documents of 50,000, of which a
// part cannot be compressed.
func writeLargeBatch(t *testing.T, db *storage.Database, millions int) {
	t.Helper()
	noise := make([]byte, 1500)
	rng := rand.NewChaCha8([32]byte{1})
	padding := strings.Repeat("x", 50_000-2000)
	results, err := db.BulkDocs(context.Background(), func(yield func(*couch.Document, error) bool) {
		for range millions * 20 {
			rng.Read(noise)
			text := `{"noise":"` + base64.StdEncoding.EncodeToString(noise) + `","padding":"` + padding + `"}`
			if !yield(document(t, "", text), nil) {
				return
			}
		}
	})
	if err != nil || len(results) != millions*20 {
		t.Fatalf("%d results, %v", len(results), err)
	}
}

// heap returns the bytes of live objects.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
