package couch_test

import (
	"errors"
	"net/url"
	"testing"

	"settle/storage/couch"
)

var (
	inc   = couch.Incarnation{1, 2, 3, 4, 5, 6, 7, 8}
	other = couch.Incarnation{8, 7, 6, 5, 4, 3, 2, 1}
)

func TestParseSeq(t *testing.T) {
	tests := []struct {
		name, in string
		want     couch.Seq
	}{
		{"its own", couch.FormatSeq(5, inc), 5},
		{"in quotes", `"` + couch.FormatSeq(5, inc) + `"`, 5},
		{"zero", "0", 0},
		{"printed zero", couch.FormatSeq(0, inc), 0},
		{"of another incarnation", couch.FormatSeq(5, other), 0},
		{"beyond the last", couch.FormatSeq(11, inc), 0},
		{"CouchDB's, compressed", "5-g1AAAABReJzLYWBgYMxgTmEQSs4vTc4oSk12MDQy1zMAQsMcoBxTIkMeC8N_IMjKYE5kzQUKsaeapaYYJKVi1ZMFAF5nFfg", 0},
		{"CouchDB's, plain", "0-g2wAAAABaANkABJjb3VjaHJlY0AxMjcuMC4wLjFsAAAAAmEAbgQA_____2phAGo", 0},
	}
	for _, tt := range tests {
		if got, err := couch.ParseSeq(tt.in, inc, 10); err != nil || got != tt.want {
			t.Errorf("%s: got %d, %v, want %d", tt.name, got, err, tt.want)
		}
	}
	good := couch.FormatSeq(5, inc)
	for _, bad := range []string{"", "5", "abc", "1-abc", "-1", "now", "6" + good[1:], "05" + good[1:], good + "A", good[:len(good)-1], "5-", "5-g1AAAA\n", "1.5", "\"", `"0"`} {
		if got, err := couch.ParseSeq(bad, inc, 10); !errors.Is(err, couch.ErrMalformedSeq) {
			t.Errorf("%q: got %d, %v, want a malformed sequence", bad, got, err)
		}
	}
}

func TestIsAhead(t *testing.T) {
	for s, want := range map[string]bool{
		couch.FormatSeq(11, inc):   true,
		couch.FormatSeq(10, inc):   false,
		couch.FormatSeq(11, other): false,
		"0":                        false,
		"11-g1AAAABReJ":            false,
		"11-abc":                   false,
	} {
		if got := couch.IsAhead(s, inc, 10); got != want {
			t.Errorf("%q: got %v", s, got)
		}
	}
}

func FuzzParseSeq(f *testing.F) {
	f.Add(couch.FormatSeq(5, inc))
	f.Add("5-g1AAAABReJ")
	f.Add("0")
	f.Fuzz(func(t *testing.T, s string) {
		n, err := couch.ParseSeq(s, inc, 1<<40)
		if err != nil {
			if !errors.Is(err, couch.ErrMalformedSeq) {
				t.Errorf("%q: %v", s, err)
			}
			return
		}
		printed := couch.FormatSeq(n, inc)
		if again, err := couch.ParseSeq(printed, inc, 1<<40); err != nil || again != n {
			t.Errorf("%q reads as %d and prints as %q, which reads as %d, %v", s, n, printed, again, err)
		}
		if url.QueryEscape(printed) != printed {
			t.Errorf("%q is not safe in a URL", printed)
		}
	})
}
