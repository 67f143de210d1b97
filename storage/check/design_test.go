package check_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"settle/storage"
	"settle/storage/couch"
	"settle/storage/schema"
)

// A design document that changed unnoticed would not judge what is written.
func TestUnnoticedDesignDocument(t *testing.T) {
	s := newStore(t)
	st, err := storage.Open(context.Background(), storage.Options{KV: s.kv, Keyring: s.keyring, BlobFS: s.fs, BlobDir: blobDir})
	if err != nil {
		t.Fatal(err)
	}
	db, err := st.Database(context.Background(), "alpha")
	if err != nil {
		t.Fatal(err)
	}
	s.put(db, &couch.Document{ID: "_design/d", Body: couch.Body{Text: []byte(`{}`), Term: []byte{}}})
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	if _, found := s.check(); len(found) > 0 {
		t.Error(found)
	}
	s.setMeta(func(m *schema.Meta) { m.DesignSeq-- })
	_, found := s.check()
	if diff := cmp.Diff([]string{`alpha: document "_design/d": its sequence 8 is beyond that of the design documents, 7`}, found); diff != "" {
		t.Error(diff)
	}
}
