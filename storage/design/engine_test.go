package design_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"

	"settle/storage/design"
)

func TestClosedEngine(t *testing.T) {
	e := design.New(design.Options{Time: patience})
	for range 2 {
		if _, err := mapOne(t, e, `function (doc) { emit(1); }`, `{}`); err != nil {
			t.Error(err)
		}
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := e.Reducer(anyScope, "", "x").Reduce(ctx, nil); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// Calls of several design documents at once, with fewer runtimes than calls.
func TestConcurrentCalls(t *testing.T) {
	e := design.New(design.Options{Runtimes: 3, Idle: 2, Time: patience})
	var wg sync.WaitGroup
	for n := range 12 {
		wg.Go(func() {
			for i := range 5 {
				source := fmt.Sprintf("function (doc) { emit(%d, doc.n); }", n%4)
				rows, err := mapOne(t, e, source, fmt.Sprintf(`{"n":%d}`, i))
				if want := fmt.Sprintf("[{%d %d}]", n%4, i); err != nil || fmt.Sprint(rows) != want {
					t.Errorf("%v, %v, want %s", rows, err, want)
				}
			}
			if n == 6 {
				if err := e.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

// A function that leaves ever more behind is given a new runtime before it has
// filled one.
func TestRuntimesAreReplaced(t *testing.T) {
	e := design.New(design.Options{Time: patience})
	defer e.Close()
	r := e.Reducer(anyScope, "", `function (keys, values) { return globalThis.n = (globalThis.n || 0) + 1; }`)
	most := 0
	for range 2100 {
		text, err := r.Rereduce(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		most = max(most, n)
	}
	if most < 1000 || most > 2000 {
		t.Errorf("a runtime served %d calls", most)
	}
}
