package mango_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"settle/storage/couch"
	"settle/storage/mango"
)

func TestUseIndex(t *testing.T) {
	for _, tt := range []struct {
		given string
		want  []string // nil: refused
	}{
		{`null`, []string{}},
		{`[]`, []string{}},
		{`"d"`, []string{"d"}},
		{`"_design/d"`, []string{"d"}},
		{`"d/n"`, []string{"d", "n"}},
		{`"_design/d/n"`, []string{"d", "n"}},
		{`["_design/d"]`, []string{"_design/d"}},
		{`["d","n/m"]`, []string{"d", "n/m"}},
		{`"d/n/m"`, nil},
		{`"_design/d/n/m"`, nil},
		{`["d","n","m"]`, nil},
		{`["d",1]`, nil},
		{`{}`, nil},
	} {
		q, err := mango.ParseQuery([]byte(`{"selector":{},"use_index":`+tt.given+`}`), 25)
		switch {
		case tt.want == nil:
			if !errors.Is(err, &couch.Error{Kind: couch.InvalidIndexName}) {
				t.Errorf("%s: %v, want a refusal", tt.given, err)
			}
		case err != nil:
			t.Errorf("%s: %v", tt.given, err)
		default:
			if diff := cmp.Diff(tt.want, append([]string{}, q.UseIndex...)); diff != "" {
				t.Errorf("%s: %s", tt.given, diff)
			}
		}
	}
}
