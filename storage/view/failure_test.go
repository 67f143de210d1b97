package view_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"settle/storage"
	"settle/storage/couch"
	"settle/storage/design"
	"settle/storage/kv"
	"settle/storage/view"
	"settle/storage/view/javascript"
)

// lines is where a log is written to.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// What is in documents does not get into the log when an update in the background
// fails.
func TestFailuresAreLoggedWithoutContent(t *testing.T) {
	for _, test := range []struct{ name, source, reduce, want string }{
		{"map", `function (doc) { throw ["fatal", "my_error", doc.secret]; }`, "_count", "a function has failed"},
		{"reduce", `function (doc) { emit(1, doc.secret); }`, `function (k, values) { throw ["fatal", "my_error", values[0]]; }`, "a function has failed"},
		{"built-in", `function (doc) { emit(1, doc.secret); }`, "_stats", "a value cannot be reduced"},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newBench(t, false)
			if err := b.indexes.Close(); err != nil {
				t.Fatal(err)
			}
			engine := design.New(design.Options{Time: time.Minute})
			t.Cleanup(func() { engine.Close() })
			var log lines
			b.indexes = view.New(view.Options{Functions: javascript.Functions(engine), Logger: slog.New(slog.NewTextHandler(&log, nil))})
			b.put([2]string{"a", `{"secret":"abc"}`})
			d := &view.Definition{Language: "javascript", Views: []view.ViewDefinition{{Map: test.source, Reduces: []string{test.reduce}}}}
			index, err := b.indexes.Open(b.db, d, couch.DocID("_design/x"))
			if err == nil {
				err = index.UpdateLater(t.Context())
			}
			if err != nil {
				t.Fatal(err)
			}
			for deadline := time.Now().Add(time.Minute); !strings.Contains(log.String(), "ended early"); {
				if time.Now().After(deadline) {
					t.Fatal("nothing is logged")
				}
				time.Sleep(time.Millisecond)
			}
			got := log.String()
			if !strings.Contains(got, test.want) || strings.Contains(got, "abc") || strings.Contains(got, "97,98,99") {
				t.Errorf("logged: %s", got)
			}
		})
	}
}

// failingOnce is a database of which one transaction of an index fails.
type failingOnce struct {
	*storage.Database
	err   error
	tried int
}

func (f *failingOnce) IndexUpdate(ctx context.Context, p kv.Partition, fn func(kv.Tx) error) error {
	if f.tried++; f.tried == 1 {
		return f.err
	}
	return f.Database.IndexUpdate(ctx, p, fn)
}

// An update is begun again where its index was dropped, and not where the store ends,
// though both are told as the same.
func TestUpdateBeginsAgain(t *testing.T) {
	for _, tt := range []struct {
		name      string
		err, want error
	}{
		{"dropped", couch.ErrNotFound, nil},
		{"the end of the store", couch.ErrUnavailable, couch.ErrUnavailable},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t, false)
			b.put([2]string{"a", `{"n":1}`})
			db := &failingOnce{Database: b.db, err: tt.err}
			index, err := b.indexes.Open(db, joinDefinition("n"), "_design/test")
			if err != nil {
				t.Fatal(err)
			}
			if err := index.Update(t.Context()); !errors.Is(err, tt.want) {
				t.Errorf("%v, want %v", err, tt.want)
			}
			if again := db.tried > 1; again != (tt.want == nil) {
				t.Errorf("%d transactions", db.tried)
			}
		})
	}
}

// Who reads an index while it is dropped is told to come again.
func TestDroppedIsUnavailable(t *testing.T) {
	b := newBench(t, false)
	index, err := b.indexes.Open(droppedIndex{b.db}, joinDefinition("n"), "_design/test")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := index.Info(t.Context()); !errors.Is(err, couch.ErrUnavailable) {
		t.Errorf("%v", err)
	}
}

// droppedIndex is a database whose index is dropped whenever somebody reads it.
type droppedIndex struct{ *storage.Database }

func (droppedIndex) IndexView(context.Context, kv.Partition, func(kv.Reader) error) error {
	return couch.ErrNotFound
}
