package docjson_test

import (
	"testing"

	"settle/storage/couch"
	"settle/storage/docjson"
)

func TestAppendRevs(t *testing.T) {
	one, err := couch.ParseRev("1-abc")
	if err != nil {
		t.Fatal(err)
	}
	two, err := couch.ParseRev("12-967a00dff5e02add41819138abb3284d")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		revs []couch.RevID
		want string
	}{
		{nil, `x[]`},
		{[]couch.RevID{one}, `x["1-abc"]`},
		{[]couch.RevID{two, one}, `x["12-967a00dff5e02add41819138abb3284d","1-abc"]`},
	} {
		if got := string(docjson.AppendRevs([]byte("x"), test.revs)); got != test.want {
			t.Errorf("%s, want %s", got, test.want)
		}
	}
}
