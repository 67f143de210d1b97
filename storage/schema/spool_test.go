package schema_test

import (
	"encoding/hex"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"settle/storage/couch"
	"settle/storage/kv"
	"settle/storage/schema"
)

// A spooled document opens in its place of its spool, and nowhere else.
func TestSealSpooled(t *testing.T) {
	key := newKey(t)
	p := schema.Partition(17)
	doc := &couch.Document{
		ID: "x\x00", Deleted: true, NotInteractive: true, Revisions: couch.Revisions{Start: 3, Hashes: []string{"c", "b"}},
		Body: couch.Body{Text: []byte(`{"a":1}`), Term: []byte("term")},
		Attachments: []couch.Attachment{
			{Name: "kept", Stub: true, RevPos: 2},
			{Name: "meant", Stub: true, ByDigest: true, Length: 7, Digest: couch.Digest{5}},
			{Name: "new", ContentType: "text/plain", Length: 3, Digest: couch.Digest{1}, Blob: couch.BlobID{2}, Pending: schema.PendingBlob{}},
		},
	}
	row, size := schema.SealSpooled(key, p, doc, 258)
	if got := hex.EncodeToString(row.Key); got != "7800ff0001"+"0000000000000102" {
		t.Errorf("key %s", got)
	}
	got, pending, err := schema.OpenSpooled(key, p, row, size)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]int{2}, pending); diff != "" {
		t.Error(diff)
	}
	got.Attachments[2].Pending = schema.PendingBlob{}
	if diff := cmp.Diff(doc, got); diff != "" {
		t.Error(diff)
	}
	for name, open := range map[string]func() error{
		"of another place": func() error {
			_, _, err := schema.OpenSpooled(key, p, kv.KV{Key: schema.SpoolKey(doc.ID, 259), Value: row.Value}, size)
			return err
		},
		"of another spool": func() error {
			_, _, err := schema.OpenSpooled(key, schema.Partition(18), row, size)
			return err
		},
		"longer than any": func() error {
			_, _, err := schema.OpenSpooled(key, p, row, size-1)
			return err
		},
		"of another database": func() error {
			_, _, err := schema.OpenSpooled(newKey(t), p, row, size)
			return err
		},
		"with a malformed key": func() error {
			_, _, err := schema.OpenSpooled(key, p, kv.KV{Key: row.Key[1:3], Value: row.Value}, size)
			return err
		},
	} {
		if err := open(); !errors.Is(err, couch.ErrCorrupt) {
			t.Errorf("a document %s: %v, want an error of corruption", name, err)
		}
	}
}
