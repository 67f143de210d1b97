package server_test

import (
	"bytes"
	"crypto/md5"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// replica is a server with a database "db", whose document "a" has two attachments.
type replica struct {
	*running
	rev string // of "a"
}

func newReplica(t *testing.T) *replica {
	t.Helper()
	r := &replica{running: start(t)}
	r.ok("PUT", "/db", "")
	r.rev = r.put("/db/a", `{"n":1,"_attachments":{"one":`+inline("text/plain", "first")+`,"two":`+inline("image/png", "second!")+`}}`)
	return r
}

// send sends a request of an administrator who takes and sends JSON.
func (r *replica) send(method, path string, body io.Reader) *http.Response {
	r.t.Helper()
	req, err := http.NewRequest(method, r.url+path, body)
	if err != nil {
		r.t.Fatal(err)
	}
	req.SetBasicAuth("admin", "pass")
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	return res
}

// ok sends a request, which must succeed, and returns the answer.
func (r *replica) ok(method, path, body string) string {
	r.t.Helper()
	res := r.send(method, path, strings.NewReader(body))
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode >= 300 {
		r.t.Fatalf("%s %s %s: %d %s %v", method, path, body, res.StatusCode, text, err)
	}
	return string(text)
}

func inline(kind, content string) string {
	return fmt.Sprintf(`{"content_type":%q,"data":%q}`, kind, base64.StdEncoding.EncodeToString([]byte(content)))
}

func entry(kind, content string, revpos int) string {
	sum := md5.Sum([]byte(content))
	return fmt.Sprintf(`{"content_type":%q,"length":%d,"digest":"md5-%s","revpos":%d}`, kind, len(content), base64.StdEncoding.EncodeToString(sum[:]), revpos)
}

// put stores a document, or an attachment, and returns the new revision.
func (r *replica) put(path, body string) string {
	r.t.Helper()
	var saved struct{ Rev string }
	if err := json.Unmarshal([]byte(r.ok("PUT", path, body)), &saved); err != nil {
		r.t.Fatal(err)
	}
	return saved.Rev
}

// refused sends a request that is to be refused, and returns status, error and reason.
func (r *replica) refused(method, path, body string) string {
	r.t.Helper()
	res := r.send(method, path, strings.NewReader(body))
	defer res.Body.Close()
	var refusal struct{ Error, Reason string }
	if err := json.NewDecoder(res.Body).Decode(&refusal); err != nil {
		r.t.Fatalf("%s %s: %d %v", method, path, res.StatusCode, err)
	}
	return fmt.Sprintf("%d %s: %s", res.StatusCode, refusal.Error, refusal.Reason)
}

// wants compares JSON, whatever the order of its members.
func (r *replica) wants(got, want string) {
	r.t.Helper()
	var a, b any
	if err := json.Unmarshal([]byte(got), &a); err != nil {
		r.t.Fatalf("%v: %s", err, got)
	}
	if err := json.Unmarshal([]byte(want), &b); err != nil {
		r.t.Fatalf("%v: %s", err, want)
	}
	if diff := cmp.Diff(b, a); diff != "" {
		r.t.Errorf("got %s\n%s", got, diff)
	}
}

const both = `{"one":%s,"two":%s}`

func bothEntries() string {
	return fmt.Sprintf(both, entry("text/plain", "first", 1), entry("image/png", "second!", 1))
}

func TestMetadataFormInEveryAnswer(t *testing.T) {
	r := newReplica(t)
	doc := `{"_id":"a","_rev":"` + r.rev + `","n":1,"attachments_meta":` + bothEntries() + `}`
	for _, path := range []string{"/a", "/a?attachments=true", "/a?atts_since=[]", "/a?rev=" + r.rev, "/a?attachments=true&latest=true"} {
		r.wants(r.ok("GET", "/_metadata/db"+path, ""), doc)
	}
	withRevs := strings.Replace(doc, `"n":1`, `"n":1,"_revisions":{"start":1,"ids":["`+r.rev[2:]+`"]}`, 1)
	r.wants(r.ok("GET", "/_metadata/db/a?revs=true", ""), withRevs)
	r.wants(r.ok("GET", `/_metadata/db/a?open_revs=all&attachments=true`, ""), `[{"ok":`+doc+`}]`)
	var list struct {
		Rows, Results []struct{ Doc json.RawMessage }
	}
	for _, path := range []string{"_all_docs?include_docs=true", "_all_docs?include_docs=true&attachments=true", `_all_docs?include_docs=true&keys=["a"]`,
		"_changes?include_docs=true", "_changes?include_docs=true&attachments=true", "_changes?include_docs=true&feed=longpoll"} {
		list.Rows, list.Results = nil, nil
		if err := json.Unmarshal([]byte(r.ok("GET", "/_metadata/db/"+path, "")), &list); err != nil {
			t.Fatal(err)
		}
		r.wants(string(append(list.Rows, list.Results...)[0].Doc), doc)
	}
	r.wants(r.ok("POST", "/_metadata/db/_bulk_get?revs=true&attachments=true", `{"docs":[{"id":"a","atts_since":[]}]}`),
		`{"results":[{"id":"a","docs":[{"ok":`+withRevs+`}]}]}`)
	if plain := r.ok("GET", "/db/a", ""); strings.Contains(plain, "attachments_meta") || !strings.Contains(plain, "_attachments") {
		t.Errorf("the ordinary view shows %s", plain)
	}
}

func TestMultipartBringsNoBody(t *testing.T) {
	r := newReplica(t)
	for _, tt := range []struct{ method, path, accept, body string }{
		{"GET", "/a?attachments=true", "multipart/related", ""},
		{"GET", "/a?open_revs=all", "multipart/mixed", ""},
		{"POST", "/_bulk_get?attachments=true", "multipart/mixed", `{"docs":[{"id":"a"}]}`},
	} {
		for _, prefix := range []string{"", "/_metadata"} {
			req, err := http.NewRequest(tt.method, r.url+prefix+"/db"+tt.path, strings.NewReader(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			req.SetBasicAuth("admin", "pass")
			req.Header.Set("Accept", tt.accept)
			req.Header.Set("Content-Type", "application/json")
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(res.Body)
			res.Body.Close()
			if got, want := bytes.Contains(body, []byte("second!")), prefix == ""; got != want || res.StatusCode != 200 {
				t.Errorf("%s%s: %d %s", prefix, tt.path, res.StatusCode, body)
			}
			if got := bytes.Contains(body, []byte("attachments_meta")); got == (prefix == "") {
				t.Errorf("%s%s: %s", prefix, tt.path, body)
			}
		}
	}
}

func TestMetadataAttachmentsHaveTheirURLs(t *testing.T) {
	r := newReplica(t)
	if got := r.ok("GET", "/_metadata/db/a/two", ""); got != "second!" {
		t.Errorf("got %q", got)
	}
	if res := r.send("HEAD", "/_metadata/db/a/two?rev="+r.rev, nil); res.StatusCode != 200 || res.ContentLength != 7 {
		t.Errorf("HEAD: %v", res)
	}
	rev := r.put("/_metadata/db/a/three?rev="+r.rev, "third")
	r.ok("DELETE", "/_metadata/db/a/one?rev="+rev, "")
	var doc struct {
		Attachments map[string]any `json:"attachments_meta"`
		N           int
	}
	if err := json.Unmarshal([]byte(r.ok("GET", "/_metadata/db/a", "")), &doc); err != nil {
		t.Fatal(err)
	}
	if got := slices.Sorted(maps.Keys(doc.Attachments)); !slices.Equal(got, []string{"three", "two"}) || doc.N != 1 {
		t.Errorf("got %v", doc)
	}
}

func TestInlineMax(t *testing.T) {
	r := newReplica(t)
	before := r.ok("GET", "/db", "")
	r.wants(r.ok("GET", "/db/_metadata_options", ""), `{"inline_max":0}`)
	r.ok("PUT", "/db/_metadata_options", `{"inline_max":5}`)
	r.wants(r.ok("GET", "/_metadata/db/_metadata_options", ""), `{"inline_max":5}`)
	r.wants(r.ok("GET", "/_metadata/db", ""), before)
	for _, attachments := range []string{"", "?attachments=true"} {
		var doc struct {
			Inline   map[string]struct{ Data []byte } `json:"_attachments"`
			Deferred map[string]any                   `json:"attachments_meta"`
		}
		if err := json.Unmarshal([]byte(r.ok("GET", "/_metadata/db/a"+attachments, "")), &doc); err != nil {
			t.Fatal(err)
		}
		one, inlined := doc.Inline["one"]
		if !inlined || len(doc.Inline) != 1 || doc.Deferred["two"] == nil || len(doc.Deferred) != 1 || (string(one.Data) == "first") != (attachments != "") {
			t.Errorf("got %v", doc)
		}
	}
	for _, body := range []string{`{}`, `{"inline_max":-1}`, `{"inline_max":"5"}`, `{"inline_max":1.5}`, `{"inline_max":1,"x":2}`, `[]`, `{"inline_max":1}x`, ``} {
		if got := r.refused("PUT", "/db/_metadata_options", body); !strings.HasPrefix(got, "400 bad_request") {
			t.Errorf("%s: %s", body, got)
		}
	}
	r.wants(r.ok("GET", "/db/_metadata_options", ""), `{"inline_max":5}`)
	r.ok("DELETE", "/db", "")
	r.ok("PUT", "/db", "")
	r.wants(r.ok("GET", "/db/_metadata_options", ""), `{"inline_max":0}`)
}

func TestOrdinaryViewRefusesMetadataForm(t *testing.T) {
	r := newReplica(t)
	refusal := "403 forbidden: "
	body := `{"_rev":"` + r.rev + `","n":2,"attachments_meta":` + bothEntries() + `}`
	if got := r.refused("PUT", "/db/a", body); !strings.HasPrefix(got, refusal) {
		t.Error(got)
	}
	var rows []struct{ ID, Rev, Error string }
	batch := `{"new_edits":false,"docs":[{"_id":"a","_rev":"2-b","attachments_meta":{"one":` + entry("text/plain", "first", 1) + `}},{"_id":"b","_rev":"1-a"}]}`
	if err := json.Unmarshal([]byte(r.ok("POST", "/db/_bulk_docs", batch)), &rows); err != nil {
		t.Fatal(err)
	}
	if len(rows) != 1 || rows[0].ID != "a" || rows[0].Rev != "2-b" || rows[0].Error != "forbidden" {
		t.Errorf("got %v", rows)
	}
	r.ok("GET", "/db/b", "")
	for i, other := range []string{`"text"`, `[]`, `{}`, `null`, `{"one":{}}`, `{"one":{"content_type":"a/b","length":1,"digest":"md5-x","revpos":1}}`,
		`{"one":{"content_type":"text/plain","length":5,"digest":"md5-i0jhDCtvq9ezHHQ2ngfJ9Q=="}}`, `{"x":1}`} {
		r.put(fmt.Sprintf("/db/other%d", i), `{"attachments_meta":`+other+`}`)
	}
}

func TestLocalDocumentsOfViews(t *testing.T) {
	r := newReplica(t)
	r.put("/db/_local/c", `{"by":"ordinary"}`)
	if got := r.refused("GET", "/_metadata/db/_local/c", ""); got != "404 not_found: missing" {
		t.Error(got)
	}
	r.put("/_metadata/db/_local/c", `{"by":"metadata"}`)
	r.put("/_metadata/db/_local/d", `{"by":"metadata"}`)
	r.ok("PUT", "/db/_metadata_options", `{"inline_max":5}`)
	r.wants(r.ok("GET", "/db/_local/c", ""), `{"_id":"_local/c","_rev":"0-1","by":"ordinary"}`)
	r.wants(r.ok("GET", "/_metadata/db/_local/c", ""), `{"_id":"_local/c","_rev":"0-1","by":"metadata"}`)
	for path, want := range map[string][]string{
		"/db/_local_docs":                                   {"_local/c"},
		"/_metadata/db/_local_docs":                         {"_local/c", "_local/d"},
		"/_metadata/db/_local_docs?descending=true":         {"_local/d", "_local/c"},
		`/_metadata/db/_local_docs?startkey="_local/d"`:     {"_local/d"},
		`/_metadata/db/_local_docs?endkey="_local/c"`:       {"_local/c"},
		`/_metadata/db/_local_docs?startkey="_z"`:           {},
		`/_metadata/db/_local_docs?keys=["_local/d","x"]`:   {"_local/d"},
		`/_metadata/db/_local_docs?startkey="a"&endkey="_"`: {},
		`/_metadata/db/_local_docs?skip=1&limit=1`:          {"_local/d"},
	} {
		var list struct{ Rows []struct{ ID string } }
		if err := json.Unmarshal([]byte(r.ok("GET", path, "")), &list); err != nil {
			t.Fatal(err)
		}
		got := []string{}
		for _, row := range list.Rows {
			got = append(got, row.ID)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q", path, got)
		}
	}
	for _, hidden := range []string{"%00view/options", "%00view/metadata/c"} {
		if got := r.refused("GET", "/db/_local/"+strings.ReplaceAll(hidden, "/", "%2F"), ""); !strings.HasPrefix(got, "404") {
			t.Error(got)
		}
		if got := r.refused("PUT", "/db/_local/"+strings.ReplaceAll(hidden, "/", "%2F"), "{}"); !strings.HasPrefix(got, "403") {
			t.Error(got)
		}
	}
	r.ok("DELETE", "/_metadata/db/_local/c?rev=0-1", "")
	r.ok("GET", "/db/_local/c", "")
}
