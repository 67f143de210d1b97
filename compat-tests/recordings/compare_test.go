package recordings_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"settle/compat-tests/recordings"

	"github.com/google/go-cmp/cmp"
)

func recorded(t *testing.T, text string) *recordings.Recorded {
	t.Helper()
	r := &recordings.Recorded{}
	if err := json.Unmarshal([]byte(text), r); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return r
}

// answered reads an answer in the form of a recorded one.
func answered(t *testing.T, text string) *recordings.Answer {
	t.Helper()
	r := recorded(t, text)
	return &recordings.Answer{Status: r.Status, Headers: r.Headers, Form: r.Form, Body: r.Body}
}

func places(found []recordings.Difference) []string {
	var out []string
	for _, d := range found {
		out = append(out, d.Place)
	}
	return out
}

func TestCompare(t *testing.T) {
	const hex = "0123456789abcdef0123456789abcdef"
	body := func(b string) string { return `{"status":200,"headers":{},"json":` + b + `}` }
	head := func(name, value string) string {
		return fmt.Sprintf(`{"status":200,"headers":{%q:%q},"empty":true}`, name, value)
	}
	tests := []struct {
		name      string
		want, got string
		volatile  []string
		places    []string
	}{
		{"same", body(`{"a":1}`), body(`{"a":1}`), nil, nil},
		{"member order", body(`{"a":1,"b":2}`), body(`{"b":2,"a":1}`), nil, nil},
		{"number by value", body(`[1,100]`), body(`[1.0,1e2]`), nil, nil},
		{"large integers exactly", body(`9007199254740993`), body(`9007199254740992`), nil, []string{"json"}},
		{"number is no boolean", body(`[1]`), body(`[true]`), nil, []string{"json/0"}},
		{"null is no zero", body(`[null]`), body(`[0]`), nil, []string{"json/0"}},
		{"value", body(`{"a":{"b":[1,2]}}`), body(`{"a":{"b":[1,3]}}`), nil, []string{"json/a/b/1"}},
		{"absent", body(`{"a":1,"b":2}`), body(`{"a":1}`), nil, []string{"json/b"}},
		{"surplus", body(`{"a":1}`), body(`{"a":1,"b":2}`), nil, []string{"json/b"}},
		{"length", body(`[1]`), body(`[1,2]`), nil, []string{"json"}},
		{"order of a list", body(`[1,2]`), body(`[2,1]`), nil, []string{"json/0", "json/1"}},
		{"rev", body(`{"rev":"1-a"}`), body(`{"rev":"1-b"}`), nil, []string{"json/rev"}},
		{"reason texts", body(`{"error":"e","reason":"x"}`), body(`{"error":"e","reason":"y"}`), nil, nil},
		{"reason of another type", body(`{"reason":"x"}`), body(`{"reason":null}`), nil, []string{"json/reason"}},
		{"error", body(`{"error":"e"}`), body(`{"error":"f"}`), nil, []string{"json/error"}},
		{"ignored value", body(`{"sizes":{"file":1}}`), body(`{"sizes":7}`), nil, nil},
		{"ignored absent", body(`{"uuid":"x"}`), body(`{"version":"y"}`), nil, nil},
		{"ignored in a list's member", body(`{"features":["a"]}`), body(`{"features":[]}`), nil, nil},
		{"seq number", body(`{"last_seq":"5-xyz"}`), body(`{"last_seq":"5-abc"}`), nil, nil},
		{"seq as a number", body(`{"seq":5}`), body(`{"seq":"5-abc"}`), nil, nil},
		{"seq differs", body(`{"update_seq":"5-xyz"}`), body(`{"update_seq":"6-xyz"}`), nil, []string{"json/update_seq"}},
		{"seq null", body(`{"seq":null}`), body(`{"seq":"0"}`), nil, []string{"json/seq"}},
		{"volatile", body(`{"id":"a"}`), body(`{"id":"b"}`), []string{"json/id"}, nil},
		{"volatile scalar kinds", body(`{"id":"a"}`), body(`{"id":null}`), []string{"json/id"}, nil},
		{"volatile of another type", body(`{"id":"a"}`), body(`{"id":["b"]}`), []string{"json/id"}, []string{"json/id"}},
		{"volatile but absent", body(`{"id":"a"}`), body(`{}`), []string{"json/id"}, []string{"json/id"}},
		{"status", body(`{}`), `{"status":201,"headers":{},"json":{}}`, nil, []string{"status"}},
		{"refusal for a crash", `{"status":500,"headers":{"x":"y"},"json":1}`, `{"status":400,"headers":{},"json":2}`, nil, nil},
		{"another crash", `{"status":500,"headers":{},"json":1}`, `{"status":503,"headers":{},"text":"2"}`, nil, nil},
		{"success for a crash", `{"status":500,"headers":{},"json":1}`, `{"status":200,"headers":{},"json":1}`, nil, []string{"status"}},
		{"refusal for a refusal", `{"status":404,"headers":{},"json":1}`, `{"status":400,"headers":{},"json":1}`, nil, []string{"status"}},
		{"form", body(`{}`), `{"status":200,"headers":{},"text":"{}"}`, nil, []string{"body"}},
		{"one line", `{"status":200,"headers":{},"lines":[{"a":1}]}`, body(`{"a":1}`), nil, nil},
		{"two lines", `{"status":200,"headers":{},"lines":[1,2]}`, body(`1`), nil, []string{"body"}},
		{"raw", `{"status":200,"headers":{},"raw":"{\"a\":1}"}`, `{"status":200,"headers":{},"raw":"{\"a\": 1}"}`, nil, []string{"raw"}},
		{"header absent", head("location", "x"), head("etag", "x"), nil, []string{"headers/location"}},
		{"header volatile", head("location", "x"), head("etag", "x"), []string{"headers/location"}, nil},
		{"header value", head("cache-control", "no-cache"), head("cache-control", "must-revalidate"), nil, []string{"headers/cache-control"}},
		{"media type", head("content-type", "text/plain; charset=utf-8"), head("content-type", "text/plain"), nil, nil},
		{"another media type", head("content-type", "text/plain"), head("content-type", "text/html"), nil, []string{"headers/content-type"}},
		{"list holds more", head("allow", "GET, HEAD"), head("allow", "head,GET,PUT"), nil, nil},
		{"list holds less", head("allow", "GET, HEAD"), head("allow", "GET"), nil, []string{"headers/allow"}},
		{"free etag", head("etag", `"6OJA3E6PUB5GA6VG0NCL495SC"`), head("etag", `"x"`), nil, nil},
		{"rev etag", head("etag", `"1-`+hex+`"`), head("etag", `"2-`+hex+`"`), nil, []string{"headers/etag"}},
		{"digest etag", head("etag", `"XUFAKrxLKna5cZ2REBfFkg=="`), head("etag", `"x"`), nil, []string{"headers/etag"}},
		{"cookie attributes", head("set-cookie", "AuthSession=*; Path=/"), head("set-cookie", "AuthSession=*; HttpOnly"), nil, nil},
		{"another cookie", head("set-cookie", "AuthSession=*; Path=/"), head("set-cookie", "Other=*; Path=/"), nil, []string{"headers/set-cookie"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			found := recordings.Compare(answered(t, tt.got), recorded(t, tt.want), tt.volatile)
			if diff := cmp.Diff(tt.places, places(found)); diff != "" {
				t.Errorf("places (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCompareWithoutAnswer(t *testing.T) {
	for _, status := range []int{200, 404, 500} {
		want := &recordings.Recorded{Status: status, Form: recordings.FormEmpty, Body: true}
		if found := recordings.Compare(&recordings.Answer{Failure: "refused"}, want, nil); len(found) == 0 {
			t.Errorf("no answer passes for a recorded %d", status)
		}
	}
}

func TestRecordedRefuses(t *testing.T) {
	for _, text := range []string{
		`{"status":200,"headers":{}}`,
		`{"status":200,"headers":{},"json":1,"text":"1"}`,
		`{"status":"200","headers":{},"json":1}`,
		`{"headers":{},"json":1}`,
		`[]`,
	} {
		if err := json.Unmarshal([]byte(text), &recordings.Recorded{}); err == nil {
			t.Errorf("%s is accepted", text)
		}
	}
}
