package mango_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"settle/storage/mango"
)

// hints is what an explanation says of the fields of a selector.
type hints struct {
	Indexable   []string `json:"indexable_fields"`
	Unindexable []string `json:"unindexable_fields"`
}

func TestHints(t *testing.T) {
	for selector, want := range map[string]hints{
		`{}`:                          {[]string{}, []string{}},
		`{"a":1,"b":{"$ne":1}}`:       {[]string{"a"}, []string{"b"}},
		`{"a":1,"$or":[{"a":2}]}`:     {[]string{"a"}, []string{}},
		`{"a:number":1,"a:string":1}`: {[]string{"a"}, []string{"a:number", "a:string"}},
		`{"$text":"x"}`:               {[]string{}, []string{"$default"}},
	} {
		plan, err := designs{}.plan(t, []byte(`{"selector":`+selector+`}`))
		if err != nil {
			t.Fatal(err)
		}
		var explained struct {
			Hints []hints `json:"selector_hints"`
		}
		if err := json.Unmarshal(mango.Explanation{}.AppendJSON(nil, plan), &explained); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]hints{want}, explained.Hints); diff != "" {
			t.Errorf("%s: %s", selector, diff)
		}
	}
}
