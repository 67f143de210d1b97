package server_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// pack compresses a text.
func pack(text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	io.WriteString(w, text)
	w.Close()
	return b.String()
}

// related is a multipart/related body of one document and one attachment.
func related(attachment string) string {
	return "--b\r\nContent-Type: application/json\r\n\r\n" +
		fmt.Sprintf(`{"_attachments":{"a":{"follows":true,"content_type":"text/plain","length":%d}}}`, len(attachment)) +
		"\r\n--b\r\n\r\n" + attachment + "\r\n--b--"
}

const jsonType = "Content-Type: application/json"

// purgeOf is a request to purge so many revisions of each of so many documents.
func purgeOf(docs, revs int) string {
	asks := make(map[string][]string)
	for i := range docs {
		id := fmt.Sprint("doc", i)
		asks[id] = []string{}
		for k := range revs {
			asks[id] = append(asks[id], fmt.Sprintf("1-%d", k))
		}
	}
	text, _ := json.Marshal(asks)
	return string(text)
}

// Each limit has CouchDB's key, counts at once, on every way in, for plain and
// for packed bodies, and what is beyond it changes nothing.
func TestLimits(t *testing.T) {
	long := strings.Repeat("x", 5000)
	base64 := strings.Repeat("eHh4", 1500)
	request := func(method, path, body string, headers ...string) limited {
		return limited{method: method, path: path, body: body, headers: headers}
	}
	doc := `{"text":"` + long + `"}`
	inline := `{"_attachments":{"a":{"data":"` + base64 + `"}}}`
	tests := []struct {
		section, key, value string // "": the standard, and then none
		status              int
		reason              string
		requests            []limited
	}{
		{"couchdb", "max_document_size", "4000", 413, `"document_too_large"`, []limited{
			request("PUT", "/alpha/new", doc),
			request("PUT", "/alpha/new", pack(doc), "Content-Encoding: gzip"),
			request("PUT", "/alpha/new?new_edits=false", `{"_rev":"1-a","text":"`+long+`"}`),
			request("POST", "/alpha", doc, jsonType),
			request("POST", "/alpha/_bulk_docs", `{"docs":[{"_id":"small"},`+doc+`]}`, jsonType),
			request("POST", "/alpha/_bulk_docs", pack(`{"docs":[{"_id":"small"},`+doc+`]}`), jsonType, "Content-Encoding: gzip"),
			request("PUT", "/alpha/_local/new", doc),
			request("PUT", "/alpha/_design/new", doc),
			request("PUT", "/alpha/new", strings.Replace(related("y"), "{", `{"text":"`+long+`",`, 1), `Content-Type: multipart/related; boundary=b`),
		}},
		{"couchdb", "max_attachment_size", "4000", 413, `"attachment_too_large"`, []limited{
			request("PUT", "/alpha/new/a", long),
			request("PUT", "/alpha/new/a", pack(long), "Content-Encoding: gzip"),
			request("PUT", "/alpha/new", inline),
			request("POST", "/alpha/_bulk_docs", `{"docs":[{"_id":"small"},`+inline+`]}`, jsonType),
			request("PUT", "/alpha/new", related(long), `Content-Type: multipart/related; boundary=b`),
		}},
		{"chttpd", "max_http_request_size", "4000", 413, `"too_large"`, []limited{
			request("PUT", "/alpha/new", doc),
			request("PUT", "/alpha/new", pack(doc), "Content-Encoding: gzip"),
			request("PUT", "/alpha/new/a", long),
			request("PUT", "/alpha/new/a", pack(long), "Content-Encoding: gzip"),
			request("PUT", "/alpha/new", related(long), `Content-Type: multipart/related; boundary=b`),
			request("POST", "/alpha/_bulk_docs", `{"docs":[`+doc+`]}`, jsonType),
			request("POST", "/alpha/_bulk_docs", pack(`{"docs":[`+doc+`]}`), jsonType, "Content-Encoding: gzip"),
			request("POST", "/alpha/_all_docs", `{"keys":["`+long+`"]}`, jsonType),
			request("POST", "/alpha/_changes?filter=_doc_ids", `{"doc_ids":["`+long+`"]}`, jsonType),
			request("POST", "/alpha/_revs_diff", `{"`+long+`":["1-a"]}`, jsonType),
			request("POST", "/alpha/_bulk_get", `{"docs":[{"id":"`+long+`"}]}`, jsonType),
			request("PUT", "/alpha/_security", `{"x":"`+long+`"}`),
		}},
		{"couchdb", "max_document_id_length", "4", 400, `"illegal_docid"`, []limited{
			request("PUT", "/alpha/12345", "{}"),
			request("PUT", "/alpha/ü345", "{}"), // five bytes
			request("PUT", "/alpha/12345/a", "content"),
			request("POST", "/alpha", `{"_id":"12345"}`, jsonType),
			request("POST", "/alpha/_bulk_docs", `{"docs":[{"_id":"1234"},{"_id":"12345"}]}`, jsonType),
			request("COPY", "/alpha/doc", "", "Destination: 12345"),
			request("PUT", "/alpha/_local/1", "{}"),
		}},
		{"purge", "max_document_id_number", "2", 400, `{"error":"bad_request","reason":"Exceeded maximum number of documents."}`, []limited{
			request("POST", "/alpha/_purge", purgeOf(3, 1), jsonType),
			request("POST", "/alpha/_purge", purgeOf(3, 0), jsonType),
		}},
		{"purge", "max_document_id_number", "", 400, `{"error":"bad_request","reason":"Exceeded maximum number of documents."}`, []limited{
			request("POST", "/alpha/_purge", purgeOf(101, 1), jsonType),
		}},
		{"purge", "max_revisions_number", "5", 400, `{"error":"bad_request","reason":"Exceeded maximum number of revisions."}`, []limited{
			request("POST", "/alpha/_purge", purgeOf(2, 3), jsonType),
		}},
		{"purge", "max_revisions_number", "", 400, `{"error":"bad_request","reason":"Exceeded maximum number of revisions."}`, []limited{
			request("POST", "/alpha/_purge", purgeOf(91, 11), jsonType),
		}},
	}
	for _, tt := range tests {
		t.Run(tt.key, func(t *testing.T) {
			r := start(t)
			r.ok("PUT", "/alpha", "")
			r.ok("PUT", "/alpha/doc", `{}`)
			setting := "/_node/_local/_config/" + tt.section + "/" + tt.key
			if tt.value != "" {
				r.ok("PUT", setting, `"`+tt.value+`"`)
			}
			before := r.contents()
			for _, req := range tt.requests {
				status, body := req.send(r)
				if status != tt.status || !strings.Contains(body, tt.reason) {
					t.Errorf("%s %s: %d %s, want %d %s", req.method, req.path, status, body, tt.status, tt.reason)
				}
			}
			if after := r.contents(); after != before {
				t.Errorf("the databases have changed:\n%s\n%s", before, after)
			}
			if tt.value == "" {
				r.ok("PUT", setting, `"infinity"`)
			} else {
				r.ok("DELETE", setting, "")
			}
			for _, req := range tt.requests {
				if status, body := req.send(r); status == tt.status {
					t.Errorf("without the limit: %s %s: %d %s", req.method, req.path, status, body)
				}
			}
		})
	}
}

// limited is a request to try a limit with.
type limited struct {
	method, path, body string
	headers            []string
}

// send sends it and returns status and body of the answer.
func (l limited) send(r *running) (int, string) {
	r.t.Helper()
	req, err := http.NewRequest(l.method, r.url+l.path, strings.NewReader(l.body))
	if err != nil {
		r.t.Fatal(err)
	}
	req.SetBasicAuth("admin", "pass")
	for _, header := range l.headers {
		name, value, _ := strings.Cut(header, ": ")
		req.Header.Set(name, value)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatalf("%s %s: %v", l.method, l.path, err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		r.t.Fatalf("%s %s: %v", l.method, l.path, err)
	}
	return res.StatusCode, string(body)
}

func TestLongURLs(t *testing.T) {
	r := start(t)
	r.ok("PUT", "/alpha", "")
	for _, path := range []string{"/alpha/" + strings.Repeat("x", 130<<10), "/alpha/_all_docs?key=" + strings.Repeat("x", 130<<10)} {
		status, body := limited{method: "GET", path: path}.send(r)
		if status != http.StatusRequestURITooLong || !strings.Contains(body, `"too_long"`) {
			t.Errorf("%d %s", status, body)
		}
	}
}

// A small packed body that unpacks to very much more is refused, within memory,
// by every limit that is about what it unpacks to.
func TestGzipBombs(t *testing.T) {
	r := start(t)
	r.ok("PUT", "/alpha", "")
	bomb := pack(`{"text":"` + strings.Repeat("x", 50<<20) + `"}`)
	for _, path := range []string{"/alpha/doc", "/alpha/_local/doc", "/alpha/_design/doc"} {
		status, body := limited{"PUT", path, bomb, []string{"Content-Encoding: gzip"}}.send(r)
		if status != http.StatusRequestEntityTooLarge || !strings.Contains(body, "document_too_large") {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	for _, path := range []string{"/alpha/_bulk_docs", "/alpha/_bulk_get", "/alpha/_revs_diff", "/alpha"} {
		status, body := limited{"POST", path, bomb, []string{"Content-Encoding: gzip", jsonType}}.send(r)
		if status != http.StatusRequestEntityTooLarge && status != http.StatusBadRequest {
			t.Errorf("%s: %d %.99s", path, status, body)
		}
	}
	if got := r.ok("GET", "/alpha/_all_docs", ""); !strings.Contains(got, `"total_rows":0`) {
		t.Error(got)
	}
}
