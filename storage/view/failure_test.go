package view_test

import (
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"settle/storage/couch"
	"settle/storage/design"
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
