package replicator_test

import (
	"context"
	"errors"
	"testing"

	"settle/attachments"
	"settle/replication"
	"settle/storage"
	"settle/storage/couch"
	"settle/storage/storagetest"
)

// A content that stays where it is must not be longer than contents can be, whatever the
// configuration allows: nobody has seen its bytes.
func TestDeferredLength(t *testing.T) {
	store := storagetest.Open(t)
	db := storagetest.Database(t, store, "db", storage.CreateOptions{})
	l := replication.NewLocal(replication.LocalOptions{
		Name: "db", Find: func(context.Context) (replication.Database, error) { return db, nil },
	})
	if _, err := l.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := l.Defer(t.Context(), couch.OriginID{1}, []byte("over there")); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		id     couch.DocID
		length int64
		err    error
	}{
		{"a", attachments.MaxLength, nil},
		{"b", attachments.MaxLength + 1, &couch.Error{Kind: couch.AttachmentTooLarge}},
		{"c", 1<<63 - 1, &couch.Error{Kind: couch.AttachmentTooLarge}},
	} {
		doc := &couch.Document{
			ID: tt.id, Revisions: couch.PathTo(couch.RevID{Gen: 1, Hash: "0123456789abcdef0123456789abcdef"}), Body: couch.Body{Text: []byte("{}")},
			Attachments: []couch.Attachment{{Name: "body", ContentType: "text/plain", RevPos: 1, Length: tt.length, Digest: couch.Digest{1}}},
		}
		results, err := l.Write(t.Context(), func(yield func(*replication.Revision, error) bool) { yield(&replication.Revision{Doc: doc}, nil) })
		if err != nil || len(results) != 1 || !errors.Is(results[0].Err, tt.err) {
			t.Errorf("%d bytes: %+v, %v", tt.length, results, err)
		}
	}
}
