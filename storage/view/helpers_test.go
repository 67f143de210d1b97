package view_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"settle/storage"
	"settle/storage/couch"
	"settle/storage/crypt"
	"settle/storage/docjson"
	"settle/storage/kv"
	"settle/storage/view"
	"settle/storage/view/reduction"
)

var ctx = context.Background()

// bench is a database and its indexes, on a file system in memory.
type bench struct {
	t       testing.TB
	fs      vfs.FS
	dir     string
	keyring *crypt.Keyring
	kv      *kv.Pebble
	store   *storage.Store
	db      *storage.Database
	indexes *view.Indexes
}

func newBench(t testing.TB, partitioned bool) *bench {
	t.Helper()
	return newBenchOn(t, vfs.NewMem(), partitioned)
}

func newBenchOn(t testing.TB, fs vfs.FS, partitioned bool) *bench {
	t.Helper()
	keyring, err := crypt.NewKeyring()
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, fs: fs, dir: "data", keyring: keyring}
	if fs == vfs.Default {
		b.dir = t.TempDir()
	}
	b.open()
	if _, err := b.store.CreateDatabase(ctx, "alpha", storage.CreateOptions{Partitioned: partitioned}); err != nil {
		t.Fatal(err)
	}
	b.openDatabase()
	t.Cleanup(b.close)
	return b
}

func (b *bench) open() {
	b.t.Helper()
	var err error
	b.kv, err = kv.OpenPebble(kv.PebbleOptions{FS: crypt.NewFS(b.fs, b.keyring), Dir: b.dir, ReserveBytes: -1})
	if err != nil {
		b.t.Fatal(err)
	}
	b.store, err = storage.Open(ctx, storage.Options{KV: b.kv, Keyring: b.keyring, BlobFS: b.fs, BlobDir: b.fs.PathJoin(b.dir, "blobs")})
	if err != nil {
		b.t.Fatal(err)
	}
	b.indexes = view.New(view.Options{Functions: testFunctions{}})
}

func (b *bench) openDatabase() {
	b.t.Helper()
	var err error
	if b.db, err = b.store.Database(ctx, "alpha"); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) close() {
	b.t.Helper()
	for _, closer := range []interface{ Close() error }{b.indexes, b.store, b.kv} {
		if err := closer.Close(); err != nil {
			b.t.Error(err)
		}
	}
}

func (b *bench) reopen() {
	b.t.Helper()
	b.close()
	b.open()
	b.openDatabase()
}

// put writes documents, each an id and its body; an empty body deletes.
func (b *bench) put(docs ...[2]string) {
	b.t.Helper()
	var batch []*couch.Document
	for _, d := range docs {
		doc := &couch.Document{ID: couch.DocID(d[0])}
		now, err := b.db.Get(ctx, doc.ID, couch.GetOptions{Deleted: true})
		if err == nil && !now.Deleted {
			doc.Revisions = now.Revisions
		}
		body := d[1]
		if body == "" {
			doc.Deleted, body = true, "{}"
		}
		doc.Body = bodyOf(b.t, body)
		batch = append(batch, doc)
	}
	results, err := b.db.BulkDocs(ctx, storage.Docs(batch...))
	if err != nil {
		b.t.Fatal(err)
	}
	for _, r := range results {
		if r.Err != nil {
			b.t.Fatalf("%s: %v", r.ID, r.Err)
		}
	}
}

func bodyOf(t testing.TB, text string) couch.Body {
	t.Helper()
	p, err := docjson.NewReader(strings.NewReader(text)).Document(docjson.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return p.Body
}

func (b *bench) index(d *view.Definition) *view.Index {
	b.t.Helper()
	ix, err := b.indexes.Open(b.db, d, "_design/test")
	if err != nil {
		b.t.Fatal(err)
	}
	return ix
}

// answer is a Result that has been read.
type answer struct {
	*view.Result
	rows []view.Row
}

func (b *bench) query(d *view.Definition, ref view.Ref, q view.Query) answer {
	b.t.Helper()
	a, err := b.tryQuery(d, ref, q)
	if err != nil {
		b.t.Fatalf("%+v: %v", q, err)
	}
	return a
}

func (b *bench) tryQuery(d *view.Definition, ref view.Ref, q view.Query) (answer, error) {
	b.t.Helper()
	q.Docs = b.db
	res, err := b.index(d).Query(ctx, ref, &q)
	if err != nil {
		return answer{}, err
	}
	a := answer{Result: res}
	for row, err := range res.Rows {
		if err != nil {
			return a, err
		}
		a.rows = append(a.rows, row)
	}
	return a, nil
}

func printRows(rows []view.Row) []string {
	out := []string{}
	for _, r := range rows {
		line := fmt.Sprintf("%s %s %s", r.ID, r.Key, r.Value)
		if r.Error != "" {
			line += " " + r.Error + " " + r.Reason
		}
		out = append(out, line)
	}
	return out
}

// testFunctions are map functions in Go, chosen by name.
type testFunctions struct{}

type testMapper []func(doc map[string]any) []view.Emitted

func (testFunctions) Mapper(_ couch.Incarnation, d *view.Definition) (view.Mapper, error) {
	var m testMapper
	for _, v := range d.Views {
		fn := mapFunctions[v.Map]
		if fn == nil {
			return nil, couch.Errorf(couch.BadRequest, "no function %s", v.Map)
		}
		m = append(m, fn)
	}
	return m, nil
}

func (testMapper) Close() {}

func (testFunctions) Reducer(couch.Incarnation, string, string) (reduction.Reducer, error) {
	return joiner{}, nil
}

func (m testMapper) Map(_ context.Context, docs [][]byte) ([][][]view.Emitted, error) {
	out := make([][][]view.Emitted, len(docs))
	for i, text := range docs {
		var doc map[string]any
		if err := json.Unmarshal(text, &doc); err != nil {
			return nil, err
		}
		for _, fn := range m {
			out[i] = append(out[i], fn(doc))
		}
	}
	return out, nil
}

func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

var mapFunctions = map[string]func(doc map[string]any) []view.Emitted{
	// one row of each document
	"n": func(doc map[string]any) []view.Emitted {
		return []view.Emitted{{Key: text(doc["n"]), Value: text(doc["v"])}}
	},
	// a row for each element of a list
	"list": func(doc map[string]any) (out []view.Emitted) {
		list, _ := doc["list"].([]any)
		for i, e := range list {
			out = append(out, view.Emitted{Key: text(e), Value: text(i)})
		}
		return out
	},
	"id": func(doc map[string]any) []view.Emitted {
		return []view.Emitted{{Key: text(doc["_id"]), Value: text(doc["_local_seq"])}}
	},
	"link": func(doc map[string]any) []view.Emitted {
		return []view.Emitted{{Key: text(doc["_id"]), Value: text(doc["link"])}}
	},
	"members": func(doc map[string]any) []view.Emitted {
		return []view.Emitted{{Key: text(doc["_id"]), Value: text(doc)}}
	},
}

// joiner shows order, and rows that are missing or there twice.
type joiner struct{}

func (joiner) Reduce(_ context.Context, rows []reduction.Row) ([]byte, error) {
	var out []byte
	for _, r := range rows {
		out = fmt.Appendf(out, "%s=%s/%s,", r.ID, r.Key, r.Value)
	}
	return out, nil
}

func (joiner) Combine(_ context.Context, states [][]byte) ([]byte, error) {
	var out []byte
	for _, s := range states {
		out = append(out, s...)
	}
	return out, nil
}

func (joiner) Finish(_ context.Context, state []byte) (reduction.Result, error) {
	return reduction.Result{Value: state}, nil
}

func joinDefinition(maps ...string) *view.Definition {
	d := &view.Definition{Language: "test"}
	for _, m := range maps {
		d.Views = append(d.Views, view.ViewDefinition{Map: m, Reduces: []string{"join", "_count"}})
	}
	return d
}
