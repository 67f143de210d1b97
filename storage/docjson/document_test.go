package docjson_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"settle/storage/couch"
	"settle/storage/docjson"
)

func TestDocument(t *testing.T) {
	const hex = "0123456789abcdef0123456789ABCDEF"
	raw := "\x01\x23\x45\x67\x89\xab\xcd\xef\x01\x23\x45\x67\x89\xab\xcd\xef"
	path := func(start uint64, hashes ...string) couch.Revisions {
		return couch.Revisions{Start: start, Hashes: hashes}
	}
	tests := []struct {
		text, body string
		want       docjson.Parsed
	}{
		{`{}`, `{}`, docjson.Parsed{}},
		{` { "b" : 1 , "_id" : "x" , "a" : [ ] } `, `{"b":1,"a":[]}`, docjson.Parsed{ID: "x", HasID: true}},
		{`{"_id":"x","a":1,"_id":"y","a":2}`, `{"a":2}`, docjson.Parsed{ID: "y", HasID: true}},
		{`{"_id":5,"_id":"y"}`, `{}`, docjson.Parsed{ID: "y", HasID: true}},
		{`{"_id":"_local/x","_rev":"0-7"}`, `{}`, docjson.Parsed{ID: "_local/x", HasID: true, Revisions: path(0, "7")}},
		{`{"\u005fid":"x"}`, `{}`, docjson.Parsed{ID: "x", HasID: true}},
		{`{"_rev":"1-` + hex + `"}`, `{}`, docjson.Parsed{Revisions: path(1, raw)}},
		{`{"_rev":"2-abc"}`, `{}`, docjson.Parsed{Revisions: path(2, "abc")}},
		{`{"_rev":"bad","_rev":"2-abc"}`, `{}`, docjson.Parsed{Revisions: path(2, "abc")}},
		{`{"_rev":"6-f","_revisions":{"start":7,"ids":["x","y"]}}`, `{}`, docjson.Parsed{Revisions: path(7, "x", "y")}},
		{`{"_revisions":{"ids":["x"],"other":[{}],"start":0},"_rev":"bad"}`, `{}`, docjson.Parsed{Revisions: path(0, "x")}},
		{`{"_revisions":{"start":0,"ids":[]},"_rev":"1-x"}`, `{}`, docjson.Parsed{Revisions: path(1, "x")}},
		{`{"_revisions":{"start":"1","start":2,"ids":{},"ids":["` + hex + `","a"]}}`, `{}`, docjson.Parsed{Revisions: path(2, raw, "a")}},
		{`{"_deleted":true,"why":1}`, `{"why":1}`, docjson.Parsed{Deleted: true}},
		{`{"_deleted":true,"_deleted":false}`, `{}`, docjson.Parsed{}},
		{`{"a":{"_id":1,"_foo":[{"_rev":2}]}}`, `{"a":{"_id":1,"_foo":[{"_rev":2}]}}`, docjson.Parsed{}},
		{`{"_revs_info":[1],"_conflicts":{},"_deleted_conflicts":0,"_local_seq":1,"_access":["x"],"z":1}`, `{"z":1}`, docjson.Parsed{}},
		{`{"_replication_state":"x","_replication_id":1,"_replication_stats":{},"_replication_state_time":1,"_replication_state_reason":null}`,
			`{"_replication_state":"x","_replication_id":1,"_replication_stats":{},"_replication_state_time":1,"_replication_state_reason":null}`, docjson.Parsed{}},
	}
	for _, tt := range tests {
		got := parse(t, tt.text)
		checkTerm(t, got.Body.Text, got.Body.Term)
		tt.want.Body = couch.Body{Text: []byte(tt.body), Term: got.Body.Term}
		if diff := cmp.Diff(&tt.want, got); diff != "" {
			t.Errorf("Document(%s) (-want +got):\n%s", tt.text, diff)
		}
	}
}

func TestRefusedDocuments(t *testing.T) {
	const bad = "Bad special document member: "
	tests := []struct {
		text   string
		kind   couch.Kind
		reason string
	}{
		{`[1,2]`, couch.BadRequest, "Document must be a JSON object"},
		{`null`, couch.BadRequest, "Document must be a JSON object"},
		{`[1,`, couch.BadRequest, "invalid UTF-8 JSON"},
		{`{"_foo":1}`, couch.DocValidation, bad + "_foo"},
		{`{"_foo":1,"a":}`, couch.BadRequest, "invalid UTF-8 JSON"},
		{`{"_":1}`, couch.DocValidation, bad + "_"},
		{`{"_a\"b":1}`, couch.DocValidation, bad + `_a"b`},
		{`{"_id":5}`, couch.IllegalDocID, "Document id must be a string"},
		{`{"_id":"x","_id":null}`, couch.IllegalDocID, "Document id must be a string"},
		{`{"_id":""}`, couch.IllegalDocID, "Document id must not be empty"},
		{`{"_id":"_x"}`, couch.IllegalDocID, "Only reserved document ids may start with underscore."},
		{`{"_rev":"bad"}`, couch.BadRequest, "Invalid rev format"},
		{`{"_rev":5}`, couch.BadRequest, "Invalid rev format"},
		{`{"_rev":null}`, couch.BadRequest, "Invalid rev format"},
		{`{"_rev":"1-0123456789abcdefghijklmnopqrstuv"}`, couch.BadRequest, "Invalid rev format"},
		{`{"_rev":"bad","_revisions":{"start":1,"ids":["x"]}}`, couch.BadRequest, "Invalid rev format"},
		{`{"_deleted":5}`, couch.DocValidation, bad + "_deleted"},
		{`{"_deleted":null}`, couch.DocValidation, bad + "_deleted"},
		{`{"_revisions":[]}`, couch.DocValidation, bad + "_revisions"},
		{`{"_revisions":{}}`, couch.DocValidation, "_revisions.start isn't an integer."},
		{`{"_revisions":{"start":"1","ids":["a"]}}`, couch.DocValidation, "_revisions.start isn't an integer."},
		{`{"_revisions":{"start":1.0,"ids":["a"]}}`, couch.DocValidation, "_revisions.start isn't an integer."},
		{`{"_revisions":{"start":-1,"ids":["a"]}}`, couch.DocValidation, "_revisions.start isn't an integer."},
		{`{"_revisions":{"start":9223372036854775807,"ids":["a"]}}`, couch.DocValidation, "_revisions.start isn't an integer."},
		{`{"_revisions":{"start":1}}`, couch.DocValidation, "_revisions.ids isn't a array."},
		{`{"_revisions":{"start":1,"ids":"x"}}`, couch.DocValidation, "_revisions.ids isn't a array."},
		{`{"_revisions":{"start":1,"ids":[5]}}`, couch.DocValidation, "RevId isn't a string"},
		{`{"_revisions":{"start":1,"ids":["0123456789abcdefghijklmnopqrstuv"]}}`, couch.DocValidation, "RevId isn't a valid hexadecimal"},
		{`{"_revisions":{"start":1,"ids":["` + strings.Repeat("x", couch.MaxRevHash+1) + `"]}}`, couch.DocValidation, "RevId is too long"},
		{`{"_rev":"1-` + strings.Repeat("x", couch.MaxRevHash+1) + `"}`, couch.BadRequest, "Invalid rev format"},
		{`{"_id":"` + strings.Repeat("x", couch.MaxDocID+1) + `"}`, couch.IllegalDocID, "Document id is too long"},
		{`{"_revisions":{"start":1,"ids":[]}}`, couch.DocValidation, "_revisions.ids is empty."},
		{`{"_revisions":{"start":1,"ids":["a","b","c"]}}`, couch.DocValidation, "_revisions.start is 1, with 3 ids."},
		{`{"_attachments":[]}`, couch.DocValidation, bad + "_attachments"},
		{`{"_attachments":null}`, couch.DocValidation, bad + "_attachments"},
	}
	for _, tt := range tests {
		r := docjson.NewReader(strings.NewReader(tt.text))
		doc, err := r.Document(docjson.Options{Store: storeBlob})
		if doc != nil || kindOf(err) != tt.kind || err.Error() != tt.reason {
			t.Errorf("Document(%s) = %v, %v; want %s", tt.text, doc, err, tt.reason)
		}
		if err := r.End(); tt.reason != "invalid UTF-8 JSON" && err != nil {
			t.Errorf("End after %s: %v", tt.text, err)
		}
	}
}

// The sizes are those of CouchDB's max_document_size, as recorded at 60 and by
// couch_ejson_size.
func TestMaxBody(t *testing.T) {
	tests := []struct {
		text string
		size int64
	}{
		{`{}`, 2},
		{`{"s":"0123456789012345678901234567890123456789012345678901"}`, 60},
		{` { "s" : "x" } `, 9},
		{`{"_id":"aaaaaaaaaaaaaaaaaaaaaaaaaa","_rev":"1-aaaaaaaaaaaaaaaaaaaa","s":"x"}`, 9},
		{`{"s":"x","_deleted_conflicts":[1,2,3,4,5,6,7,8]}`, 9},
		{`{"s":"\n\u0001é"}`, 12},
		{`{"a":[],"b":{},"c":[1,22]}`, 26},
		{`{"a":true,"b":false,"c":null}`, 29},
		{`{"a":-123,"b":1.5,"c":-0.25,"d":1e20,"e":1e200,"f":1e-20,"g":1e-200,"h":0.001}`, 1 + 8*5 + 4 + 3 + 4 + 4 + 5 + 5 + 6 + 4},
	}
	for _, tt := range tests {
		for max, want := range map[int64]bool{tt.size: true, tt.size - 1: false} {
			_, err := docjson.NewReader(strings.NewReader(tt.text)).Document(docjson.Options{MaxBody: max})
			if want != (err == nil) || !want && kindOf(err) != couch.DocumentTooLarge {
				t.Errorf("Document(%s) with MaxBody %d: %v", tt.text, max, err)
			}
		}
	}
	for text, id := range map[string]string{`{"_id":"big","s":"0123456789"}`: "big", `{"s":"0123456789","_id":"big"}`: ""} {
		r := docjson.NewReader(strings.NewReader(text))
		_, err := r.Document(docjson.Options{MaxBody: 10})
		if kindOf(err) != couch.DocumentTooLarge || err.Error() != id {
			t.Errorf("Document(%s): %q, want %q", text, err, id)
		}
		if err := r.End(); kindOf(err) != couch.DocumentTooLarge {
			t.Errorf("End after %s: %v", text, err)
		}
	}
}

// An endless document is given up at the limit.
func TestEndlessDocuments(t *testing.T) {
	for _, head := range []string{`{"a":"`, `{"`, `{"a":1`, `{"_id":"`, `{"_foo":"`, `{"_revisions":{"start":1,"ids":["`} {
		src := io.MultiReader(strings.NewReader(head), io.LimitReader(repeat('1'), 40<<20))
		_, err := docjson.NewReader(src).Document(docjson.Options{MaxBody: 1 << 20})
		if k := kindOf(err); k != couch.DocumentTooLarge && k != couch.RequestTooLarge && k != couch.BadRequest {
			t.Errorf("%s…: %v", head, err)
		}
	}
}

func TestDocumentReadError(t *testing.T) {
	broken := errors.New("broken")
	src := io.MultiReader(strings.NewReader(`{"_attachments":{"a":{"data":"YWFh`), iotest.ErrReader(broken))
	r := docjson.NewReader(src)
	if _, err := r.Document(docjson.Options{Store: storeBlob}); !errors.Is(err, broken) {
		t.Errorf("Document: %v, want the reader's error", err)
	}
}

// A batch is read document by document, whatever stands around it.
func TestIterate(t *testing.T) {
	r := docjson.NewReader(strings.NewReader(` {"x":{"docs":[]},"docs":[{"_id":"a"}, {"_id":"b","v":[1]}, 5],"new_edits": false ,"keys":["a",{"b":1.0}]} `))
	var got []string
	for name, err := range r.Members() {
		if err != nil {
			t.Fatal(err)
		}
		switch name {
		case "docs":
			for i, err := range r.Elements() {
				if err != nil {
					t.Fatal(err)
				}
				if i == 2 {
					continue // left unread
				}
				doc, err := r.Document(docjson.Options{})
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, string(doc.ID)+string(doc.Body.Text))
			}
		case "keys":
			for _, err := range r.Elements() {
				if err != nil {
					t.Fatal(err)
				}
				if kind, _ := r.Kind(); kind == docjson.String {
					s, err := r.String()
					if err != nil {
						t.Fatal(err)
					}
					got = append(got, s)
				}
			}
		case "new_edits":
			v, err := r.Value()
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, string(v))
		}
	}
	if err := r.End(); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{`a{}`, `b{"v":[1]}`, "false", "a"}, got); diff != "" {
		t.Error(diff)
	}
}

// A document may be as deep in a batch as by itself.
func TestDepthInBatch(t *testing.T) {
	deep := `{"a":` + strings.Repeat("[", docjson.MaxDepth-1) + strings.Repeat("]", docjson.MaxDepth-1) + `}`
	parse(t, deep)
	if docs := bulkDocs(t, `{"docs":[`+deep+`,`+deep+`]}`); len(docs) != 2 {
		t.Errorf("%d documents", len(docs))
	}
}

func TestIterateErrors(t *testing.T) {
	const invalid = "invalid UTF-8 JSON"
	tests := []struct{ text, members, elements string }{
		{`5`, "a JSON object expected", "a JSON array expected"},
		{`"x"`, "a JSON object expected", "a JSON array expected"},
		{``, invalid, invalid},
		{`{"a":1`, invalid, "a JSON array expected"},
		{`{"a":}`, invalid, "a JSON array expected"},
		{`{5:1}`, invalid, "a JSON array expected"},
		{`{"a":1,}`, invalid, "a JSON array expected"},
		{`[1`, "a JSON object expected", invalid},
		{`[1,]`, "a JSON object expected", invalid},
		{`[x]`, "a JSON object expected", invalid},
	}
	for _, tt := range tests {
		var members, elements []string
		for _, err := range docjson.NewReader(strings.NewReader(tt.text)).Members() {
			if err != nil {
				members = append(members, err.Error())
			}
		}
		for _, err := range docjson.NewReader(strings.NewReader(tt.text)).Elements() {
			if err != nil {
				elements = append(elements, err.Error())
			}
		}
		if diff := cmp.Diff([][]string{{tt.members}, {tt.elements}}, [][]string{members, elements}); diff != "" {
			t.Errorf("%s: %s", tt.text, diff)
		}
	}
	r := docjson.NewReader(strings.NewReader(`5`))
	if _, err := r.String(); kindOf(err) != couch.BadRequest {
		t.Errorf("String of a number: %v", err)
	}
	if v, err := r.Value(); err != nil || string(v) != "5" {
		t.Errorf("Value after a refused String: %s, %v", v, err)
	}
}
