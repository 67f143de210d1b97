package metaview_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"settle/storage/couch"
	"settle/storage/docjson"
	"settle/storage/metaview"
)

var (
	small = couch.Attachment{Name: "small", ContentType: "text/plain", RevPos: 1, Length: 10, Digest: couch.Digest{1}}
	large = couch.Attachment{Name: "la\"rge", ContentType: "image/png", RevPos: 2, Length: 11, Digest: couch.Digest{2}}
	empty = couch.Attachment{Name: "empty", ContentType: "", RevPos: 1}
)

const (
	smallEntry = `"small":{"content_type":"text/plain","length":10,"digest":"md5-AQAAAAAAAAAAAAAAAAAAAA==","revpos":1}`
	largeEntry = `"la\"rge":{"content_type":"image/png","length":11,"digest":"md5-AgAAAAAAAAAAAAAAAAAAAA==","revpos":2}`
	emptyEntry = `"empty":{"content_type":"","length":0,"digest":"md5-AAAAAAAAAAAAAAAAAAAAAA==","revpos":1}`
	smallStub  = `"small":{"content_type":"text/plain","revpos":1,"digest":"md5-AQAAAAAAAAAAAAAAAAAAAA==","length":10,"stub":true}`
)

func TestForm(t *testing.T) {
	for _, tt := range []struct {
		name, body string
		atts       []couch.Attachment
		inlineMax  int64
		want       string
	}{
		{"nothing", `{}`, nil, 0, `{"_id":"a"}`},
		{"no attachments", `{"a":1}`, nil, 0, `{"_id":"a","a":1}`},
		{"deferred", `{}`, []couch.Attachment{small, large}, 0, `{"_id":"a","attachments_meta":{` + smallEntry + `,` + largeEntry + `}}`},
		{"behind the body", `{"a":[1]}`, []couch.Attachment{large}, 0, `{"_id":"a","a":[1],"attachments_meta":{` + largeEntry + `}}`},
		{"an empty one too", `{}`, []couch.Attachment{empty}, 0, `{"_id":"a","attachments_meta":{` + emptyEntry + `}}`},
		{"up to a limit", `{"a":1}`, []couch.Attachment{small, large}, 10, `{"_id":"a","a":1,"attachments_meta":{` + largeEntry + `},"_attachments":{` + smallStub + `}}`},
		{"none deferred", `{}`, []couch.Attachment{small}, 10, `{"_id":"a","_attachments":{` + smallStub + `}}`},
		{"a member of the body's own", `{"attachments_meta":"mine"}`, []couch.Attachment{large}, 0, `{"_id":"a","attachments_meta":"mine"}`},
		{"an object of the body's own", `{"attachments_meta":{"x":1},"b":2}`, []couch.Attachment{large}, 0, `{"_id":"a","attachments_meta":{"x":1},"b":2}`},
		{"an empty list of the body's own", `{"attachments_meta":{},"b":2}`, []couch.Attachment{small}, 0, `{"_id":"a","b":2,"attachments_meta":{` + smallEntry + `}}`},
		{"an empty list alone", `{"attachments_meta":{}}`, nil, 0, `{"_id":"a"}`},
		{"deeper down", `{"b":{"attachments_meta":{}}}`, nil, 0, `{"_id":"a","b":{"attachments_meta":{}}}`},
		{"in a string", `{"b":"\"attachments_meta\":{}"}`, []couch.Attachment{small}, 0, `{"_id":"a","b":"\"attachments_meta\":{}","attachments_meta":{` + smallEntry + `}}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			doc := &couch.Document{ID: "a", Body: couch.Body{Text: []byte(tt.body)}, Attachments: tt.atts, Form: metaview.NewForm(tt.inlineMax)}
			if got := string(docjson.AppendDocument(nil, doc, docjson.Print{})); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			if string(doc.Body.Text) != tt.body || len(doc.Attachments) != len(tt.atts) {
				t.Errorf("the document has changed: %s", doc.Body.Text)
			}
		})
	}
}

// FuzzForm shows any body, with an attachment, and wants what a decoder of the whole
// makes of it.
func FuzzForm(f *testing.F) {
	for _, body := range []string{
		`{}`, `{"attachments_meta":{}}`, `{"a":1,"attachments_meta":{` + smallEntry + `},"b":[{"attachments_meta":"\\\""}]}`, `{"\u0061ttachments_meta":[1,{"a":"}"}]}`,
		`{"attachments_meta":12.5,"z":null}`, `{"":"","attachments_meta":"x"}`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		parsed, err := docjson.NewReader(bytes.NewReader(data)).Document(docjson.Options{})
		if err != nil {
			t.Skip()
		}
		body := parsed.Body
		var want, got map[string]json.RawMessage
		if err := json.Unmarshal(body.Text, &want); err != nil {
			t.Skip() // encoding/json is stricter with surrogates and depth
		}
		doc := &couch.Document{Body: body, Attachments: []couch.Attachment{small}, Form: metaview.NewForm(0)}
		shown := doc.Shown()
		if err := json.Unmarshal(shown.Body.Text, &got); err != nil {
			t.Fatalf("%s is shown as %s: %v", body.Text, shown.Body.Text, err)
		}
		own := want[metaview.Member]
		if len(shown.Attachments) > 0 {
			t.Errorf("%s has attachments", shown.Body.Text)
		}
		if own == nil || string(own) == "{}" || string(got[metaview.Member]) != string(own) {
			if string(got[metaview.Member]) != "{"+smallEntry+"}" {
				t.Errorf("%s lists %s", body.Text, got[metaview.Member])
			}
		}
		delete(want, metaview.Member)
		delete(got, metaview.Member)
		if len(got) != len(want) {
			t.Errorf("%s is shown as %s", body.Text, shown.Body.Text)
		}
		for name := range want {
			if string(got[name]) != string(want[name]) {
				t.Errorf("%s is shown as %s", body.Text, shown.Body.Text)
			}
		}
	})
}
