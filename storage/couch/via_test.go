package couch_test

import (
	"strings"
	"testing"

	"settle/storage/couch"
)

func TestParseVia(t *testing.T) {
	many := strings.Repeat("a,", couch.MaxVia+5)
	for _, test := range []struct{ text, want string }{
		{"", ""},
		{"a1", "a1"},
		{"a1,b2,c3", "a1,b2,c3"},
		{"a1,,c3", "a1"},
		{",b2", ""},
		{"a1," + strings.Repeat("x", 65) + ",c3", "a1"},
		{many, strings.TrimSuffix(strings.Repeat("a,", couch.MaxVia), ",")},
	} {
		if got := couch.ParseVia(test.text).String(); got != test.want {
			t.Errorf("%q: %q, want %q", test.text, got, test.want)
		}
	}
}
