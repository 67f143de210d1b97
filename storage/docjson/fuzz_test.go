package docjson_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"settle/storage/couch"
	"settle/storage/docjson"
)

// FuzzDocument reads a text whole and in single bytes, and prints what it read:
// the print reads as the same document, with the same revision id.
func FuzzDocument(f *testing.F) {
	for _, s := range []string{
		`{}`, `[1]`, `{"_id":"a","_rev":"1-x","b":[1,2,{"c":-0.5}],"b":null,"_deleted":true}`,
		`{"_revisions":{"start":2,"ids":["x","0123456789abcdef0123456789abcdef"]},"_foo":1}`,
		`{"_attachments":{"a":{"data":"YQ==","content_type":"x/y"},"b":{"stub":true,"revpos":2,"digest":"md5-XUFAKrxLKna5cZ2REBfFkg=="},"c":{"follows":true,"length":5}}}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		opts := docjson.Options{MaxBody: 1 << 20, Store: storeBlob}
		r := docjson.NewReader(bytes.NewReader(in))
		doc, err := r.Document(opts)
		slow, slowErr := docjson.NewReader(iotest.OneByteReader(bytes.NewReader(in))).Document(opts)
		if diff := cmp.Diff(doc, slow, cmp.AllowUnexported(blob{})); diff != "" || fmt.Sprint(err) != fmt.Sprint(slowErr) {
			t.Fatalf("%q: %v, in single bytes %v\n%s", in, err, slowErr, diff)
		}
		if err != nil {
			return
		}
		if r.End() == nil && !json.Valid(in) {
			t.Fatalf("%q is accepted", in)
		}
		printed := couch.Document{ID: doc.ID, Deleted: doc.Deleted, Revisions: doc.Revisions, Body: doc.Body}
		atts := map[string]bool{}
		for _, a := range doc.Attachments {
			if atts[a.Name] {
				t.Fatalf("%q: attachment %q twice", in, a.Name)
			}
			atts[a.Name] = true
			if !a.Stub && !a.Follows && a.Pending == nil {
				t.Fatalf("%q: attachment %q has no content", in, a.Name)
			}
			printed.Attachments = append(printed.Attachments, a.Attachment)
		}
		if !doc.HasID {
			printed.ID = "x"
		}
		again := parse(t, string(docjson.AppendDocument(nil, &printed, docjson.Print{Revs: true})))
		if again.ID != printed.ID || again.Deleted != doc.Deleted || !cmp.Equal(again.Revisions, doc.Revisions) || !bytes.Equal(again.Body.Text, doc.Body.Text) {
			t.Fatalf("%q: printed and read again %+v, before %+v", in, again, doc)
		}
		checkTerm(t, doc.Body.Text, doc.Body.Term)
	})
}
