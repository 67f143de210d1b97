package design_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"settle/storage/couch"
	"settle/storage/design"
)

var otherScope = couch.Incarnation{2}

// What a function leaves in its globals no function of another scope finds, though it
// has the same source.
func TestGlobalsAreTheScopesOwn(t *testing.T) {
	const leaves = `globalThis.left = (globalThis.left || "") + `
	e := design.New(design.Options{Time: patience})
	defer e.Close()
	text := []byte(marshal(t, map[string]any{
		"_id": "_design/d", "shows": map[string]any{"s": "function (doc, req) { " + leaves + "req.word; return left; }"},
	}))
	for _, step := range []struct {
		scope      couch.Incarnation
		word, want string
	}{{anyScope, "a", "a"}, {anyScope, "b", "ab"}, {otherScope, "c", "c"}, {anyScope, "d", "abd"}} {
		d, err := e.Document(step.scope, text)
		if err != nil {
			t.Fatal(err)
		}
		shown, err := d.Show(t.Context(), "s", nil, []byte(marshal(t, map[string]any{"word": step.word})))
		if err != nil || string(shown.Body) != step.want {
			t.Errorf("show: %s, %v, want %s", shown.Body, err, step.want)
		}
		got, err := e.Reducer(step.scope, "", "function (keys, values) { "+leaves+"values[0]; return left; }").Rereduce(t.Context(), []string{`"` + step.word + `"`})
		if err != nil || got != `"`+step.want+`"` {
			t.Errorf("reduce: %s, %v, want %s", got, err, step.want)
		}
	}
}

// Nor does that of another owner in the same scope.
func TestGlobalsAreTheOwnersOwn(t *testing.T) {
	e := design.New(design.Options{Time: patience})
	defer e.Close()
	const source = `function (keys, values) { return globalThis.left = (globalThis.left || "") + values[0]; }`
	for _, step := range []struct{ owner, word, want string }{{"x", "a", "a"}, {"x", "b", "ab"}, {"y", "c", "c"}, {"x", "d", "abd"}} {
		got, err := e.Reducer(anyScope, step.owner, source).Rereduce(t.Context(), []string{`"` + step.word + `"`})
		if err != nil || got != `"`+step.want+`"` {
			t.Errorf("%s: %s, %v, want %s", step.owner, got, err, step.want)
		}
	}
}

// Nor does a later run of the same map functions.
func TestGlobalsAreTheRunsOwn(t *testing.T) {
	e := design.New(design.Options{Time: patience})
	defer e.Close()
	for range 3 {
		rows, err := mapOne(t, e, `function (doc) { globalThis.n = (globalThis.n || 0) + 1; emit(n); }`, `{}`)
		if err != nil || fmt.Sprint(rows) != "[{1 null}]" {
			t.Errorf("%v, %v", rows, err)
		}
	}
}

// The clients of one scope's lists, which may never read, leave room for others'.
func TestListsLeaveRoomForOthers(t *testing.T) {
	e := design.New(design.Options{Lists: 4, Time: patience})
	defer e.Close()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	unread, done := make(chan struct{}), make(chan error, 8)
	list := func(scope couch.Incarnation, source string, chunk func(string) error) error {
		d, err := e.Document(scope, []byte(marshal(t, map[string]any{"_id": "_design/d", "lists": map[string]any{"l": source}})))
		if err != nil {
			return err
		}
		return d.List(ctx, "l", design.Listing{
			Head: []byte(`{}`), Req: []byte(`{}`), Rows: func(func([]byte, error) bool) {},
			Start: func(design.Response) error { return nil }, Chunk: chunk,
		})
	}
	const source = `function (head, req) { send("x"); }`
	for i := range cap(done) {
		go func() {
			done <- list(anyScope, source+strings.Repeat(" ", i), func(string) error { <-unread; return nil })
		}()
	}
	time.Sleep(50 * time.Millisecond)
	if err := list(otherScope, source, func(string) error { return nil }); err != nil {
		t.Error(err)
	}
	close(unread)
	for range cap(done) {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// One database's loops do not keep another's functions waiting, however many design
// documents they are of, nor if the other has the same ones.
func TestLoopsLeaveRoomForOthers(t *testing.T) {
	e := design.New(design.Options{Runtimes: 8, Time: time.Minute}) // for which it does not wait
	defer e.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 20)
	source := `function (doc) { if (!doc.ok) while (true); emit(1); }`
	for i := range cap(done) {
		go func() {
			m := e.Mapper(anyScope, nil, []string{source + strings.Repeat(" ", i)})
			defer m.Close()
			_, err := m.Map(ctx, [][]byte{[]byte(`{}`)})
			done <- err
		}()
	}
	time.Sleep(20 * time.Millisecond)
	started := time.Now()
	if _, err := mapIn(t, e, otherScope, source, `{"ok":true}`); err != nil || time.Since(started) > time.Minute {
		t.Errorf("after %v: %v", time.Since(started), err)
	}
	cancel()
	for range cap(done) {
		if err := <-done; err == nil {
			t.Error("a loop has ended")
		}
	}
}
