package docjson_test

import (
	"strings"
	"testing"

	"settle/storage/couch"
	"settle/storage/docjson"
)

// parse reads a whole text that is one document.
func parse(t *testing.T, text string) *docjson.Parsed {
	t.Helper()
	r := docjson.NewReader(strings.NewReader(text))
	doc, err := r.Document(docjson.Options{Store: storeBlob})
	if err != nil {
		t.Fatalf("Document(%.200q): %v", text, err)
	}
	if err := r.End(); err != nil {
		t.Fatalf("End after %.200q: %v", text, err)
	}
	return doc
}

func revID(t *testing.T, doc *docjson.Parsed) string {
	t.Helper()
	atts := make([]couch.Attachment, len(doc.Attachments))
	for i, a := range doc.Attachments {
		atts[i] = a.Attachment
	}
	rev, err := docjson.RevID(doc.Deleted, doc.Rev(), doc.Body, atts)
	if err != nil {
		t.Fatal(err)
	}
	return rev.String()
}

// The ids are CouchDB 3.5.0's.
func TestRevID(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"empty", `{}`, "1-967a00dff5e02add41819138abb3284d"},
		{"second", `{"_rev":"1-967a00dff5e02add41819138abb3284d"}`, "2-7051cbe5c8faecd085a3fa619e6e6337"},
		{"deletion", `{"_rev":"1-967a00dff5e02add41819138abb3284d","_deleted":true}`, "2-eec205a9d413992850a6e32678485900"},
		{"string", `{"foo":"bar"}`, "1-4c6114c65e295552ab1019e2b046b10e"},
		{"every term", `{"a":1.5,"b":-7,"c":12345678901,"d":null,"e":[true,"x"],"f":{},"g":[],"h":[1,300],"i":[1,2,255]}`, "1-1b34edb3140165123ee13c54ef0f9337"},
		{"list of bytes", `{"a":[1,2,3]}`, "1-308048961a84beb0c9e99e07facf0f5f"},
		{"not ASCII", `{"k":"é"}`, "1-71b22a2b5e7e14d4408820190080e6ef"},
		{"attachments", `{"_attachments":{"a.bin":{"data":"YQ=="},"b.bin":{"data":"Yg=="}}}`, "1-e9272f9bf6e448c77cb0b5825b4bd2ad"},
		{"three attachments", `{"_attachments":{"z.bin":{"data":"YQ=="},"a.bin":{"data":"Yg=="},"m.bin":{"data":"Yw=="}}}`, "1-4437c98eec18857b19b01cae998cb53d"},
		{"content type behind the data", `{"_attachments":{"x":{"data":"YQ==","content_type":"application/octet-stream; charset=x"}}}`, "1-bc5c29419fb0726d673a3f9776c7245f"},
		{"ints", `{"a":0,"b":-0,"c":1,"d":-1,"e":2147483648,"f":9007199254740993,"g":9223372036854775807,"h":9223372036854775808,"i":18446744073709551616,"j":123456789012345678901234567890,"k":-123456789012345678901234567890}`, "1-b3f1b57f29ad155f32dbd45e3fc34f55"},
		{"ints in a list", `{"n":[255,256,-1,-256,2147483647,-2147483648,4294967295,4294967296,9223372036854775808,-9223372036854775809]}`, "1-3b1ba3cdb09eddd8f1ebdb693c63fb3f"},
		{"floats", `{"a":0.0,"b":-0.0,"c":1.0,"d":1.5,"e":0.1,"f":100.0,"g":1e3,"h":1E3,"i":1e-3,"j":1.0e10,"k":1e15,"l":1e16,"m":1e20,"n":1e21,"o":1e22,"p":123456.789e3}`, "1-5b3e857c0541f58798e81aff27a9dff1"},
		{"more floats", `{"a":1e-4,"b":1e-5,"c":1e-6,"d":1e-7,"e":1.7976931348623157e308,"f":5e-324,"g":2.2250738585072014e-308,"h":3.141592653589793238462643,"i":0.30000000000000004,"j":1.10,"k":12345678.9,"l":123456789012345680.0,"m":0.1e1,"n":1e0,"o":0e5,"p":-1.5e-10}`, "1-bd3a2ae06d55a2ba0e35bfc01091de5f"},
		{"underflow", `{"a":1e-400}`, "1-f8fc1b07134fb0e1af62a5cb42046ee1"},
		{"negative zero", `{"n":-0.0}`, "1-159fac4e915c1c0384f2e8b60c475fab"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := revID(t, parse(t, tt.text)); got != tt.want {
				t.Errorf("RevID = %s, want %s", got, tt.want)
			}
		})
	}
}

func TestRevIDFromText(t *testing.T) {
	const text = `{"a":[1,2,3],"a":[1,{"b":[]},2.5e30,"é\u0001"],"c":{"x":"y"}}`
	doc := parse(t, text)
	want := revID(t, doc)
	doc.Body.Term = nil
	if got := revID(t, doc); got != want {
		t.Errorf("RevID from text = %s, from term %s", got, want)
	}
	if _, err := docjson.RevID(false, couch.RevID{}, couch.Body{Text: []byte(`{"a":}`)}, nil); err == nil {
		t.Error("RevID of a text that is no JSON: no error")
	}
}

// The ids are CouchDB 3.5.0's: a deleted document made anew with an attachment,
// and without.
func TestRecreationRevID(t *testing.T) {
	tests := []struct {
		parent, text, want string
		atts               []couch.Attachment
	}{
		{"2-0259abf5530781b8489c22429a047d08", "{}", "3-a110ca8ba1bc80cd3a7d7e196915d7e9", make([]couch.Attachment, 1)},
		{"3-147b0cb18999c80bf14ac472a06b7310", `{"again":true}`, "4-4ed10b997f0d012592f5b1ac917448d7", nil},
	}
	for _, tt := range tests {
		parent, err := couch.ParseRev(tt.parent)
		if err != nil {
			t.Fatal(err)
		}
		got, err := docjson.RecreationRevID(parent, couch.Body{Text: []byte(tt.text)}, tt.atts)
		if err != nil || got.String() != tt.want {
			t.Errorf("%s on %s: got %s, %v, want %s", tt.text, tt.parent, got, err, tt.want)
		}
	}
}
