package javascript_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"settle/storage/couch"
	"settle/storage/design"
	"settle/storage/view"
	"settle/storage/view/javascript"
	"settle/storage/view/reduction"
)

func newFunctions(t *testing.T) view.Functions {
	t.Helper()
	engine := design.New(design.Options{})
	t.Cleanup(func() { engine.Close() })
	return javascript.Functions(engine)
}

func TestMap(t *testing.T) {
	d := &view.Definition{Language: view.JavaScript, Lib: []byte(`{"x":"exports.n = 7;"}`), Views: []view.ViewDefinition{
		{Map: "function(doc) { emit(doc._id, require('views/lib/x').n); emit([doc.v]); }"}, {Map: "function(doc) { if (doc.v) throw 'no'; emit(1); }"},
	}}
	m, err := newFunctions(t).Mapper(couch.Incarnation{}, d)
	if err != nil {
		t.Fatal(err)
	}
	got, err := m.Map(context.Background(), [][]byte{[]byte(`{"_id":"a"}`), []byte(`{"_id":"b","v":1}`)})
	want := [][][]view.Emitted{
		{{{Key: `"a"`, Value: "7"}, {Key: "[null]", Value: "null"}}, {{Key: "1", Value: "null"}}},
		{{{Key: `"b"`, Value: "7"}, {Key: "[1]", Value: "null"}}, nil},
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%s; %v", diff, err)
	}
	d.Views[0].Map = "function("
	if m, err = newFunctions(t).Mapper(couch.Incarnation{}, d); err == nil {
		_, err = m.Map(context.Background(), [][]byte{[]byte("{}")})
	}
	if _, ok := errors.AsType[*design.Error](err); !ok {
		t.Errorf("a function that does not compile: %v", err)
	}
}

func TestReduce(t *testing.T) {
	ctx := context.Background()
	rows := []reduction.Row{{Key: []byte(`"k"`), Value: []byte("3"), ID: "a"}, {Key: []byte("[1]"), Value: []byte(`"` + strings.Repeat("x", 20_000) + `"`), ID: "b"}}
	for source, want := range map[string]reduction.Result{
		"function(keys, values, re) { return re ? [values.length, values[0]] : keys; }": {Value: []byte(`[1,[["k","a"],[[1],"b"]]]`)},
		"function(keys, values) { throw 'no'; }":                                        {Value: []byte("null")},
		"function(keys, values) { return values; }":                                     {Error: "reduce_overflow_error"},
	} {
		r, err := newFunctions(t).Reducer(couch.Incarnation{}, "", source)
		if err != nil {
			t.Fatal(err)
		}
		state, err := r.Reduce(ctx, rows)
		if err != nil {
			t.Fatal(err)
		}
		got, err := r.Finish(ctx, state)
		if (got.Reason != "") != (got.Error != "") {
			t.Errorf("%s: %+v", source, got)
		}
		got.Reason = ""
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s: %s; %v", source, diff, err)
		}
		if again, err := r.Combine(ctx, [][]byte{state, state}); err != nil || want.Error != "" && string(again) != string(state) {
			t.Errorf("%s: combined %.100s, %v", source, again, err)
		}
		if _, err := r.Combine(ctx, [][]byte{{}}); !errors.Is(err, couch.ErrCorrupt) {
			t.Errorf("an empty state: %v", err)
		}
	}
}
