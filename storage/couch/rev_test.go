package couch_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"settle/storage/couch"
)

func TestParseRev(t *testing.T) {
	tests := []struct {
		in, printed string
		gen         uint64
	}{
		{"1-abc", "1-abc", 1},
		{"0-", "0-", 0},
		{"2-", "2-", 2},
		{"007-x", "7-x", 7},
		{"+1-abc", "1-abc", 1},
		{"3-ABCDEF0123456789ABCDEF0123456789", "3-abcdef0123456789abcdef0123456789", 3},
		{"9007199254740991-a-b", "9007199254740991-a-b", 9007199254740991},
	}
	for _, tt := range tests {
		rev, err := couch.ParseRev(tt.in)
		if err != nil || rev.Gen != tt.gen || rev.String() != tt.printed {
			t.Errorf("%q: got %v (%s), %v", tt.in, rev.Gen, rev, err)
		}
	}
	long := strings.Repeat("x", couch.MaxRevHash)
	if rev, err := couch.ParseRev("1-" + long); err != nil || rev.Hash != long {
		t.Errorf("a hash of %d characters: got %v", len(long), err)
	}
	for _, bad := range []string{"3-ABCDEF0123456789ABCDEF012345678X", "1-" + long + "x", "", "1", "abc", "-abc", "-1-abc", "++1-abc", "+-abc", " 1-abc", "1.0-a", "9007199254740992-a", "99999999999999999999-a", `"1-a"`} {
		if rev, err := couch.ParseRev(bad); !errors.Is(err, &couch.Error{Kind: couch.BadRequest}) {
			t.Errorf("%q: got %s, %v, want a bad request", bad, rev, err)
		}
	}
}

// The order is CouchDB's: hex ids count as the 16 bytes they stand for.
func TestRevOrder(t *testing.T) {
	printed := []string{"1-ffffffffffffffffffffffffffffffff", "1-00000000000000000000000000000000", "1-short", "2-a", "10-a"}
	var revs []couch.RevID
	for _, s := range printed {
		rev, err := couch.ParseRev(s)
		if err != nil {
			t.Fatal(err)
		}
		revs = append(revs, rev)
	}
	slices.SortFunc(revs, couch.RevID.Compare)
	var got []string
	for _, rev := range revs {
		got = append(got, rev.String())
	}
	want := []string{"1-00000000000000000000000000000000", "1-short", "1-ffffffffffffffffffffffffffffffff", "2-a", "10-a"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}

func TestPaths(t *testing.T) {
	path := couch.Revisions{Start: 3, Hashes: []string{"c", "b"}}
	if got := path.Rev(1).String(); got != "2-b" {
		t.Errorf("got %s", got)
	}
	if got := path.Leaf().String(); got != "3-c" {
		t.Errorf("got %s", got)
	}
	if got := couch.PathTo(couch.RevID{}); len(got.Hashes) != 0 || !got.Leaf().IsZero() {
		t.Errorf("the path to none is %v", got)
	}
}

func FuzzParseRev(f *testing.F) {
	f.Add("1-abc")
	f.Add("3-ABCDEF0123456789ABCDEF0123456789")
	f.Add("0-")
	f.Fuzz(func(t *testing.T, s string) {
		rev, err := couch.ParseRev(s)
		if err != nil {
			return
		}
		again, err := couch.ParseRev(rev.String())
		if err != nil || again != rev {
			t.Errorf("%q prints as %q, which reads as %v, %v", s, rev, again, err)
		}
	})
}
