package recordings_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"reflect"
	"testing"

	"settle/compat-tests/recordings"
)

// FuzzFillJSON wants a JSON text without variables to keep its value, and what
// is no JSON text to be refused.
func FuzzFillJSON(f *testing.F) {
	for _, seed := range []string{`{"a":[1,2.50,-0,1e9,"ü\u0001\"\\\/\b\t\n\f\r",null,true,{}]}`, `[]`, `"x"`, `{"a":1,"a":2}`, `{]`, `1 2`, `1e999`, ``, "\"\xff\"", `"\ud800"`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		out, err := recordings.FillJSON(text)
		if valid := json.Valid(text); valid != (err == nil) {
			t.Fatalf("%q is written as %q (%v), JSON: %v", text, out, err, valid)
		}
		if err == nil && !reflect.DeepEqual(valueOf(t, text), valueOf(t, out)) {
			t.Fatalf("%q is written as %q", text, out)
		}
	})
}

// valueOf reads one JSON value, numbers as they are written.
func valueOf(t *testing.T, text []byte) any {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return v
}

// FuzzParseBody wants every body to have a form, and bytes that are kept as
// they are to be kept whole.
func FuzzParseBody(f *testing.F) {
	f.Add("application/json", []byte(`{"a":1}`))
	f.Add("application/json", []byte("{}\n[]\n"))
	f.Add("text/event-stream", []byte("data: 1\n\nid: 2\n\n"))
	f.Add(`multipart/mixed; boundary="x"`, []byte("--x\r\n\r\n{}\r\n--x\r\nContent-Type: multipart/related; boundary=y\r\n\r\n--y--\r\n--x--"))
	f.Add("multipart/mixed", []byte("--\r\n\r\n"))
	f.Add("application/octet-stream", []byte("\xff\x00"))
	f.Fuzz(func(t *testing.T, ctype string, data []byte) {
		form, body := recordings.ParseBody(ctype, data)
		switch form {
		case recordings.FormText:
			if body != string(data) {
				t.Fatalf("text %q of %q", body, data)
			}
		case recordings.FormBase64:
			if back, err := base64.StdEncoding.DecodeString(body.(string)); err != nil || string(back) != string(data) {
				t.Fatalf("%q of %q: %v", body, data, err)
			}
		case recordings.FormEmpty:
			if len(data) != 0 {
				t.Fatalf("%q counts as empty", data)
			}
		case recordings.FormLines, recordings.FormParts, recordings.FormEvents:
			if _, ok := body.([]any); !ok {
				t.Fatalf("%s as %T", form, body)
			}
		case recordings.FormJSON:
		default:
			t.Fatalf("form %q", form)
		}
	})
}
