package view_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"settle/storage"
	"settle/storage/couch"
	"settle/storage/design"
	"settle/storage/kv"
	"settle/storage/view"
	"settle/storage/view/javascript"
)

// weighed is a database that notes the largest transaction on an index.
type weighed struct {
	*storage.Database
	largest *atomic.Int64
}

type weighedTx struct {
	kv.Tx
	size int64
}

func (tx *weighedTx) Set(k, v []byte) {
	tx.size += int64(len(k) + len(v))
	tx.Tx.Set(k, v)
}

func (tx *weighedTx) Delete(k []byte) {
	tx.size += int64(len(k))
	tx.Tx.Delete(k)
}

func (w weighed) IndexUpdate(ctx context.Context, p kv.Partition, fn func(kv.Tx) error) error {
	return w.Database.IndexUpdate(ctx, p, func(tx kv.Tx) error {
		counted := &weighedTx{Tx: tx}
		err := fn(counted)
		if w.largest.Load() < counted.size {
			w.largest.Store(counted.size)
		}
		return err
	})
}

// counted are functions that count how often those of the maps are called.
type counted struct {
	view.Functions
	calls *atomic.Int64
}

type countedMapper struct {
	view.Mapper
	calls *atomic.Int64
}

func (c counted) Mapper(database couch.Incarnation, d *view.Definition) (view.Mapper, error) {
	m, err := c.Functions.Mapper(database, d)
	return countedMapper{m, c.calls}, err
}

func (m countedMapper) Map(ctx context.Context, docs [][]byte) ([][][]view.Emitted, error) {
	m.calls.Add(1)
	return m.Mapper.Map(ctx, docs)
}

// javaScript lets the bench's indexes run functions in JavaScript, and counts the calls
// of map functions.
func (b *bench) javaScript(o design.Options) (calls *atomic.Int64) {
	engine := design.New(o)
	b.t.Cleanup(func() { engine.Close() })
	if err := b.indexes.Close(); err != nil {
		b.t.Fatal(err)
	}
	calls = new(atomic.Int64)
	b.indexes = view.New(view.Options{Functions: counted{javascript.Functions(engine), calls}})
	return calls
}

func scripts(sources ...string) *view.Definition {
	d := &view.Definition{Language: view.JavaScript}
	for _, source := range sources {
		d.Views = append(d.Views, view.ViewDefinition{Map: source, Reduces: []string{"_count"}})
	}
	return d
}

func (b *bench) putMany(n int, body string) {
	b.t.Helper()
	var docs [][2]string
	for i := range n {
		docs = append(docs, [2]string{fmt.Sprintf("d%03d", i), body})
	}
	b.put(docs...)
}

// However much functions emit, a transaction holds the rows of some documents only, or
// of one: when rows come, when they change and when they go.
func TestTransactionsAreBounded(t *testing.T) {
	const count, size = 12, 1_000_000
	for _, emit := range []string{
		`emit("k".repeat(300000) + doc.n, "v".repeat(700000))`,
		`for (var i = 0; i < 10; i++) emit([i, doc.n], "v".repeat(100000))`,
	} {
		b := newBench(t, false)
		b.javaScript(design.Options{Time: time.Minute})
		db := weighed{b.db, new(atomic.Int64)}
		d := scripts("function (doc) { if (doc.n) " + emit + "; }")
		rows := int64(0)
		for _, body := range []string{`{"n":1}`, `{"n":2}`, `{}`} {
			b.putMany(count, body)
			ix, err := b.indexes.Open(db, d, "_design/d")
			if err != nil {
				t.Fatal(err)
			}
			if err := ix.Update(ctx); err != nil {
				t.Fatalf("%s: %v", emit, err)
			}
			q := all()
			q.Limit = 0
			got := b.query(d, view.Ref{Reduce: -1}, q).TotalRows
			if want := int64(count); body == "{}" && got != 0 || body != "{}" && (got < want || rows > 0 && got != rows) {
				t.Errorf("%s: %d rows of %s", emit, got, body)
			}
			rows = got
		}
		if most := db.largest.Load(); most < size || most > 10<<20 {
			t.Errorf("%s: the largest transaction has %d bytes", emit, most)
		}
	}
}

// What no index should hold is not indexed, and costs no other document its rows.
func TestTooMuchEmitted(t *testing.T) {
	b := newBench(t, false)
	b.javaScript(design.Options{Time: 20 * time.Minute})
	b.put([2]string{"a", `{"n":1}`}, [2]string{"bad", `{"n":2,"bad":true}`}, [2]string{"c", `{"n":3}`})
	for _, bad := range []string{
		`emit("k".repeat(8000000), 1)`,
		`for (var i = 0; i < 10; i++) emit("k".repeat(600000) + i, 1)`,
		`for (var i = 0; i < 10; i++) emit(i, "v".repeat(4000000))`,
		`emit("\u00e4".repeat(1000000) + "\u4e16".repeat(20000), 1)`,
	} {
		d := scripts("function (doc) { emit(doc.n, null); }", "function (doc) { if (doc.bad) { "+bad+" } else emit(doc.n, null); }")
		for i := range d.Views {
			got := printRows(b.query(d, view.Ref{View: i, Reduce: -1}, all()).rows)
			if diff := cmp.Diff([]string{"a 1 null", "c 3 null"}, got); diff != "" {
				t.Errorf("%s: view %d: %.300s", bad, i, diff)
			}
		}
	}
}

// A map function that ran out of its time is not run again for each query.
func TestTimeoutsAreRemembered(t *testing.T) {
	b := newBench(t, false)
	calls := b.javaScript(design.Options{Time: 500 * time.Millisecond})
	b.put([2]string{"a", `{"loop":true}`})
	d := scripts("function (doc) { while (doc.loop); emit(1); }")
	for i := range 5 {
		_, err := b.tryQuery(d, view.Ref{Reduce: -1}, all())
		if e, ok := errors.AsType[*design.Error](err); !ok || e.Name != design.OSProcessError {
			t.Errorf("%d: %v", i, err)
		}
		if n := calls.Load(); n != 1 {
			t.Errorf("after query %d: %d calls", i, n)
		}
	}
	b.put([2]string{"a", `{}`})
	if got := b.query(d, view.Ref{Reduce: -1}, all()).rows; len(got) != 1 {
		t.Errorf("without the loop: %v", printRows(got))
	}
}

func logTo(w io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }

// panicking are functions that end in a panic.
type panicking struct{ testFunctions }

func (panicking) Mapper(couch.Incarnation, *view.Definition) (view.Mapper, error) {
	return panickingMapper{}, nil
}

type panickingMapper struct{ testMapper }

func (panickingMapper) Map(context.Context, [][]byte) ([][][]view.Emitted, error) {
	panic("no reason")
}

// A panic of an update is an error of the query, and no more.
func TestPanics(t *testing.T) {
	b := newBench(t, false)
	var logged strings.Builder
	if err := b.indexes.Close(); err != nil {
		t.Fatal(err)
	}
	b.indexes = view.New(view.Options{Functions: panicking{}, Logger: logTo(&logged)})
	b.put([2]string{"a", `{}`})
	for range 2 {
		if _, err := b.tryQuery(scripts("x"), view.Ref{Reduce: -1}, all()); !errors.Is(err, &couch.Error{Kind: couch.Internal}) {
			t.Errorf("a panic gives %v", err)
		}
	}
	if !strings.Contains(logged.String(), "no reason") {
		t.Errorf("logged: %s", logged.String())
	}
}
