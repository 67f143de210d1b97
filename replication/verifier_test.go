package replication_test

import (
	"crypto/md5"
	"io"
	"strings"
	"testing"

	"settle/replication"
	"settle/storage/couch"
)

// A content is the promised one when both its length and its digest are, as far as they
// are known.
func TestVerifier(t *testing.T) {
	sum := couch.Digest(md5.Sum([]byte("hello")))
	for _, tt := range []struct {
		length int64
		digest couch.Digest
		ok     bool
	}{
		{5, sum, true}, {5, couch.Digest{}, true},
		{4, couch.Digest{}, false}, {6, couch.Digest{}, false}, {4, sum, false}, {6, sum, false}, {5, couch.Digest{1}, false},
	} {
		promised := replication.Content{Length: tt.length, Digest: tt.digest}
		_, readErr := io.ReadAll(replication.NewVerifier(strings.NewReader("hello"), promised))
		endErr := replication.NewVerifier(strings.NewReader("hello"), promised).End()
		if (readErr == nil) != tt.ok || (endErr == nil) != tt.ok {
			t.Errorf("%d bytes of %v: %v, %v", tt.length, tt.digest, readErr, endErr)
		}
	}
}
