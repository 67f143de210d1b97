package storage_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"settle/storage/couch"
)

// What is behind the bytes that are asked for is there, but not read.
func TestOpenRevsWithinBytes(t *testing.T) {
	db := newBench(t).create("alpha")
	long := strings.Repeat("x", 100)
	for i := range 5 {
		push(t, db, "a", i == 3, 1, []string{fmt.Sprint(i)}, fmt.Sprintf(`{"n":%q}`, long))
	}
	missing := parseRev(t, "1-missing")
	for _, tt := range []struct {
		bytes int64
		want  string
	}{
		{0, "1-0 1-1 1-2 1-3 1-4 1-missing?"},
		{1, "1-0 1-1+ 1-2+ 1-3+ 1-4+ 1-missing?"},
		{250, "1-0 1-1 1-2+ 1-3+ 1-4+ 1-missing?"},
		{1000, "1-0 1-1 1-2 1-3 1-4 1-missing?"},
	} {
		revs, err := db.OpenRevs(context.Background(), "a", couch.OpenRevsOptions{All: true, Revs: []couch.RevID{missing}, MaxBytes: tt.bytes}, couch.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, rev := range revs {
			switch {
			case rev.Deferred && rev.Doc == nil:
				got = append(got, rev.Rev.String()+"+")
			case rev.Doc == nil:
				got = append(got, rev.Rev.String()+"?")
			default:
				got = append(got, rev.Rev.String())
			}
		}
		if got := strings.Join(got, " "); got != tt.want {
			t.Errorf("%d bytes: %s, want %s", tt.bytes, got, tt.want)
		}
	}
}
