package couch_test

import (
	"errors"
	"strings"
	"testing"

	"settle/storage/couch"
)

func TestDatabaseNames(t *testing.T) {
	for _, good := range []string{"a", "a_b$c(d)e+f-g/h0", "_users", "_replicator", strings.Repeat("a", 238)} {
		if err := couch.ValidateDatabaseName(good); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	for _, bad := range []string{"", "A", "aB", "1a", "_x", "a b", "a.b", "ä", "a%2Fb", "/a", strings.Repeat("a", 239)} {
		if err := couch.ValidateDatabaseName(bad); !errors.Is(err, &couch.Error{Kind: couch.IllegalDatabaseName}) {
			t.Errorf("%q: got %v", bad, err)
		}
	}
}

func TestDocIDs(t *testing.T) {
	for _, good := range []couch.DocID{"a", "ü/ +", "_design/x", "_local/x", "a_b", "\x00"} {
		if err := good.Validate(); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	for _, bad := range []couch.DocID{"", "_x", "_design", "_design/", "_local/", "\xff"} {
		if err := bad.Validate(); !errors.Is(err, &couch.Error{Kind: couch.IllegalDocID}) {
			t.Errorf("%q: got %v", bad, err)
		}
	}
}

func TestErrors(t *testing.T) {
	cause := errors.New("cause")
	err := error(&couch.Error{Kind: couch.Conflict, Reason: "reason", Err: cause})
	if !errors.Is(err, couch.ErrConflict) || errors.Is(err, couch.ErrNotFound) || !errors.Is(err, cause) {
		t.Error("an error matches the sentinel of its kind, and its cause, and nothing else")
	}
	if got := err.Error(); got != "reason: cause" {
		t.Errorf("got %q", got)
	}
}

func TestDigest(t *testing.T) {
	const hello = "md5-XUFAKrxLKna5cZ2REBfFkg=="
	d, err := couch.ParseDigest(hello)
	if err != nil || d.String() != hello {
		t.Errorf("got %s, %v", d, err)
	}
	for _, bad := range []string{"", "md5-", "md5-AA==", "XUFAKrxLKna5cZ2REBfFkg==", "sha-XUFAKrxLKna5cZ2REBfFkg=="} {
		if _, err := couch.ParseDigest(bad); err == nil {
			t.Errorf("%q is taken for a digest", bad)
		}
	}
}
