package mango_test

import (
	"errors"
	"testing"

	"settle/storage/couch"
	"settle/storage/mango"
)

// Which views of a design document that somebody wrote by hand are indexes.
func TestViewsThatAreIndexes(t *testing.T) {
	for view, want := range map[string]int{
		`{"map":{"fields":{"a":"asc"}},"reduce":"_count","options":{"def":{"fields":["a"]}}}`: 1,
		`{"map":{"fields":{"a":"asc"}},"options":{}}`:                                         1,
		`{"map":{"fields":{"a":"asc"}},"reduce":"_count"}`:                                    0,
		`{"map":{"fields":{"a":"asc"}},"options":[]}`:                                         0,
		`{"map":{"fields":["a"]},"options":{}}`:                                               0,
		`{"map":"function (doc) {}","options":{}}`:                                            0,
	} {
		body := `{"language":"query","views":{"x":` + view + `}}`
		if got := len(mango.Indexes("_design/d", []byte(body), false)); got != want {
			t.Errorf("%s: %d indexes, want %d", view, got, want)
		}
	}
}

// An index says of its partitions what its design document says, or neither says it.
func TestPartitionedOption(t *testing.T) {
	const plain, global = `{"language":"query"}`, `{"language":"query","options":{"partitioned":false}}`
	for _, tt := range []struct {
		body, option string
		taken        bool
	}{
		{``, ``, true},
		{``, `,"partitioned":false`, true},
		{plain, ``, true},
		{plain, `,"partitioned":false`, false},
		{global, ``, false},
		{global, `,"partitioned":true`, false},
		{global, `,"partitioned":false`, true},
	} {
		definition, err := mango.ParseDefinition([]byte(`{"index":{"fields":["a"]}` + tt.option + `}`))
		if err != nil {
			t.Fatal(err)
		}
		var body []byte
		if tt.body != "" {
			body = []byte(tt.body)
		}
		_, _, err = definition.AddTo(body)
		if refused := errors.Is(err, &couch.Error{Kind: couch.InvalidPartitioned}); refused == tt.taken || !refused && err != nil {
			t.Errorf("%q to %q: %v", tt.option, tt.body, err)
		}
	}
}

func TestReasonsOfDefinitions(t *testing.T) {
	for _, tt := range []struct{ request, body, want string }{
		{`{"index":{"fields":"x"}}`, ``, `Sort must be an array of sort specs, not: <<"x">>`},
		{`{"index":{"fields":[{"a":"up"}]}}`, ``, `Invalid sort field: {[{<<"a">>,<<"up">>}]}`},
		{`{"index":{"fields":[["a\"\\",1,"é"]]}}`, ``, `Invalid sort field: [<<"a\"\\">>,1,<<195,169>>]`},
		{`{"index":{"fields":[""]}}`, ``, `Invalid sort field: <<>>`},
		{`{"index":{"fields":["a"]}}`, `{"views":{}}`, `Existing design doc has an invalid language: false`},
		{`{"index":{"fields":["a"]}}`, `{"language":"js"}`, `Existing design doc has an invalid language: {<<108,97,110,103,117,97,103,101>>,<<106,115>>}`},
	} {
		definition, err := mango.ParseDefinition([]byte(tt.request))
		if err == nil {
			_, _, err = definition.AddTo([]byte(tt.body))
		}
		if wrong, ok := errors.AsType[*couch.Error](err); !ok || wrong.Reason != tt.want {
			t.Errorf("%s: %v, want %s", tt.request, err, tt.want)
		}
	}
}
