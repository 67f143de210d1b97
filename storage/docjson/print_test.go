package docjson_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"settle/storage/couch"
	"settle/storage/docjson"
)

func rev(t *testing.T, s string) couch.RevID {
	t.Helper()
	r, err := couch.ParseRev(s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// The texts are CouchDB 3.5.0's.
func TestAppendDocument(t *testing.T) {
	leaf := couch.Revisions{Start: 3, Hashes: []string{"c1", "b1", "a0"}}
	body := couch.Body{Text: []byte(`{"v":"leftleaf"}`)}
	file := couch.Attachment{Name: "z.bin", ContentType: "application/octet-stream", RevPos: 1, Length: 1}
	file.Digest, _ = couch.ParseDigest("md5-DMF1ucDxtqgxw5niaXcmYQ==")
	other := file
	other.Name = "ü\"\n"
	tests := []struct {
		name string
		doc  couch.Document
		how  docjson.Print
		want string
	}{
		{"plain", couch.Document{ID: "d", Revisions: leaf, Body: body}, docjson.Print{}, `{"_id":"d","_rev":"3-c1","v":"leftleaf"}`},
		{"empty", couch.Document{ID: "d", Body: couch.Body{Text: []byte(`{}`)}}, docjson.Print{Revs: true}, `{"_id":"d"}`},
		{"escaped", couch.Document{ID: "d\"\x00é/", Revisions: couch.PathTo(couch.RevID{Gen: 1, Hash: `"`}), Body: couch.Body{}}, docjson.Print{}, `{"_id":"d\"\u0000é/","_rev":"1-\""}`},
		{"deleted", couch.Document{ID: "b", Revisions: couch.PathTo(rev(t, "2-870b5ec639197c85a2779dadd1fad8c7")), Deleted: true, Body: couch.Body{Text: []byte(`{"why":"because"}`)}},
			docjson.Print{}, `{"_id":"b","_rev":"2-870b5ec639197c85a2779dadd1fad8c7","why":"because","_deleted":true}`},
		{"everything", couch.Document{ID: "d", Revisions: leaf, Body: body,
			RevsInfo:  []couch.RevInfo{{Rev: rev(t, "3-c1"), Status: couch.RevAvailable}, {Rev: rev(t, "2-b1"), Status: couch.RevAvailable}, {Rev: rev(t, "1-a0"), Status: couch.RevAvailable}},
			Conflicts: []couch.RevID{rev(t, "2-b2")}, DeletedConflicts: []couch.RevID{rev(t, "3-c3")}, LocalSeq: 1}, docjson.Print{Revs: true},
			`{"_id":"d","_rev":"3-c1","v":"leftleaf","_revisions":{"start":3,"ids":["c1","b1","a0"]},"_revs_info":[{"rev":"3-c1","status":"available"},{"rev":"2-b1","status":"available"},{"rev":"1-a0","status":"available"}],"_conflicts":["2-b2"],"_deleted_conflicts":["3-c3"],"_local_seq":1}`},
		{"several conflicts", couch.Document{ID: "d", Conflicts: []couch.RevID{rev(t, "2-b"), rev(t, "1-a")}}, docjson.Print{}, `{"_id":"d","_conflicts":["2-b","1-a"]}`},
		{"attachments", couch.Document{ID: "f", Revisions: couch.PathTo(rev(t, "1-x")), LocalSeq: 7, Attachments: []couch.Attachment{file, other}}, docjson.Print{},
			`{"_id":"f","_rev":"1-x","_local_seq":7,"_attachments":{"z.bin":{"content_type":"application/octet-stream","revpos":1,"digest":"md5-DMF1ucDxtqgxw5niaXcmYQ==","length":1,"stub":true},"ü\"\n":{"content_type":"application/octet-stream","revpos":1,"digest":"md5-DMF1ucDxtqgxw5niaXcmYQ==","length":1,"stub":true}}}`},
		{"follows", couch.Document{ID: "f", Attachments: []couch.Attachment{file, other}}, docjson.Print{Follows: func(a *couch.Attachment) bool { return a.Name == "z.bin" }},
			`{"_id":"f","_attachments":{"z.bin":{"content_type":"application/octet-stream","revpos":1,"digest":"md5-DMF1ucDxtqgxw5niaXcmYQ==","length":1,"follows":true},"ü\"\n":{"content_type":"application/octet-stream","revpos":1,"digest":"md5-DMF1ucDxtqgxw5niaXcmYQ==","length":1,"stub":true}}}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := docjson.AppendDocument([]byte("before"), &tt.doc, tt.how)
			if string(got) != "before"+tt.want {
				t.Errorf("AppendDocument\n got %s\nwant %s", got, tt.want)
			}
			if !json.Valid(got[len("before"):]) {
				t.Error("not JSON")
			}
			var w bytes.Buffer
			if err := docjson.WriteDocument(&w, &tt.doc, tt.how); err != nil || w.String() != tt.want {
				t.Errorf("WriteDocument: %v\n got %s\nwant %s", err, w.String(), tt.want)
			}
		})
	}
}

func TestAppendLocalDocument(t *testing.T) {
	doc := &couch.LocalDocument{ID: "_local/a", Rev: 2, Body: couch.Body{Text: []byte(`{"v":4}`)}}
	for revs, want := range map[bool]string{
		false: `{"_id":"_local/a","_rev":"0-2","v":4}`,
		true:  `{"_id":"_local/a","_rev":"0-2","v":4,"_revisions":{"start":0,"ids":["2"]}}`,
	} {
		if got := docjson.AppendLocalDocument(nil, doc, revs); string(got) != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// content counts whether it was closed.
type content struct {
	io.Reader
	closed *int
}

func (c content) Close() error {
	*c.closed++
	return nil
}

func TestWriteInlineContent(t *testing.T) {
	doc := &couch.Document{ID: "f", Revisions: couch.PathTo(rev(t, "1-x")), Attachments: []couch.Attachment{
		{Name: "a", ContentType: "t/a"}, {Name: "empty", ContentType: "t/b"}, {Name: "stub", ContentType: "t/c"}, {Name: "follows", ContentType: "t/d"},
	}}
	const zero = `"digest":"md5-AAAAAAAAAAAAAAAAAAAAAA=="`
	want := `{"_id":"f","_rev":"1-x","_attachments":{"a":{"content_type":"t/a","revpos":0,` + zero + `,"data":"aGVsbG8="},` +
		`"empty":{"content_type":"t/b","revpos":0,` + zero + `,"data":""},` +
		`"stub":{"content_type":"t/c","revpos":0,` + zero + `,"length":0,"stub":true},` +
		`"follows":{"content_type":"t/d","revpos":0,` + zero + `,"length":0,"follows":true}}}`
	closed := 0
	how := docjson.Print{
		Follows: func(a *couch.Attachment) bool { return a.Name == "follows" },
		Open: func(a *couch.Attachment) (io.ReadCloser, error) {
			switch a.Name {
			case "a":
				return content{iotest.OneByteReader(strings.NewReader("hello")), &closed}, nil
			case "empty":
				return content{strings.NewReader(""), &closed}, nil
			}
			return nil, nil
		},
	}
	var w bytes.Buffer
	if err := docjson.WriteDocument(&w, doc, how); err != nil || w.String() != want || closed != 2 {
		t.Errorf("WriteDocument: %v, %d closed\n got %s\nwant %s", err, closed, w.String(), want)
	}
	back := parse(t, strings.Replace(w.String(), `"_rev":"1-x",`, "", 1))
	if got := string(back.Attachments[0].Pending.(*blob).content); got != "hello" {
		t.Errorf("content read back: %q", got)
	}
}

func TestWriteErrors(t *testing.T) {
	broken := errors.New("broken")
	doc := &couch.Document{ID: "f", Attachments: []couch.Attachment{{Name: "a"}}}
	closed := 0
	how := docjson.Print{Open: func(*couch.Attachment) (io.ReadCloser, error) {
		return content{io.MultiReader(strings.NewReader("hello"), iotest.ErrReader(broken)), &closed}, nil
	}}
	if err := docjson.WriteDocument(io.Discard, doc, how); !errors.Is(err, broken) || closed != 1 {
		t.Errorf("broken content: %v, %d closed", err, closed)
	}
	if err := docjson.WriteDocument(brokenWriter{broken}, doc, how); !errors.Is(err, broken) || closed != 2 {
		t.Errorf("broken writer: %v, %d closed", err, closed)
	}
	how.Open = func(*couch.Attachment) (io.ReadCloser, error) { return nil, broken }
	if err := docjson.WriteDocument(io.Discard, doc, how); !errors.Is(err, broken) {
		t.Errorf("content that does not open: %v", err)
	}
	if err := docjson.WriteDocument(brokenWriter{broken}, &couch.Document{}, docjson.Print{}); !errors.Is(err, broken) {
		t.Errorf("broken writer: %v", err)
	}
}

type brokenWriter struct{ err error }

func (w brokenWriter) Write([]byte) (int, error) { return 0, w.err }

func TestAppendString(t *testing.T) {
	for in, want := range map[string]string{
		"": `""`, "/<>&'": `"/<>&'"`, "a\x1f\x00b": `"a\u001F\u0000b"`, "\b\f\n\r\t": `"\b\f\n\r\t"`,
		"\x7f\u2028\ufffd😀": "\"\x7f\u2028\ufffd😀\"", `"\`: `"\"\\"`,
	} {
		if got := docjson.AppendString(nil, in); string(got) != want {
			t.Errorf("AppendString(%q) = %s, want %s", in, got, want)
		}
		if got := docjson.AppendString(nil, []byte(in)); string(got) != want {
			t.Errorf("AppendString of bytes %q = %s, want %s", in, got, want)
		}
	}
}
