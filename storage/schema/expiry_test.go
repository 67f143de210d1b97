package schema_test

import (
	"testing"
	"time"

	"settle/storage/couch"
	"settle/storage/schema"
)

// The keys of expiries read back, and sort by time.
func TestExpiryKey(t *testing.T) {
	early := schema.Expiry{At: time.Unix(99, 0), Database: schema.Partition(200), ID: couch.BlobID{9}}
	late := schema.Expiry{At: time.Unix(100, 0), Database: schema.Partition(16), ID: couch.BlobID{1}}
	for _, want := range []schema.Expiry{early, late} {
		if got, ok := schema.ParseExpiryKey(schema.ExpiryKey(want)); !ok || got != want {
			t.Errorf("%v became %v", want, got)
		}
	}
	if string(schema.ExpiryKey(early)) >= string(schema.ExpiryKey(late)) {
		t.Error("a later one comes first")
	}
	if _, ok := schema.ParseExpiryKey(make([]byte, 31)); ok {
		t.Error("a short key was read")
	}
}
