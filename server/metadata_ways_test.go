package server_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// writes are the ways to write a document that has a list of one attachment, of a given
// content, but for batches: of the document "a", or one that is new.
func (r *replica) writes(content string) map[string]*http.Request {
	r.t.Helper()
	list := `"attachments_meta":{"x":` + entry("text/plain", content, 1) + `}`
	parts := "--b\r\nContent-Type: application/json\r\n\r\n{" + list + `,"_attachments":{"y":{"follows":true,"length":3,"content_type":"a/b"}}}` + "\r\n--b\r\n\r\nabc\r\n--b--"
	all := map[string]*http.Request{}
	for name, tt := range map[string]struct{ method, path, kind, body string }{
		"PUT":             {"PUT", "/a?rev=" + r.rev, "", "{" + list + "}"},
		"PUT of another":  {"PUT", "/new", "", "{" + list + "}"},
		"PUT replicated":  {"PUT", "/new?new_edits=false", "", `{"_rev":"1-a",` + list + "}"},
		"deletion":        {"PUT", "/a?rev=" + r.rev, "", `{"_deleted":true,` + list + "}"},
		"POST":            {"POST", "", "", "{" + list + "}"},
		"multipart":       {"PUT", "/new", "multipart/related; boundary=b", parts},
		"update function": {"PUT", "/_design/d/_update/given/new", "", `{"_id":"new",` + list + "}"},
		"rewritten":       {"PUT", "/_design/d/_rewrite/to/new", "", "{" + list + "}"},
	} {
		req, err := http.NewRequest(tt.method, r.url+"/db"+tt.path, strings.NewReader(tt.body))
		if err != nil {
			r.t.Fatal(err)
		}
		req.SetBasicAuth("admin", "pass")
		req.Header.Set("Content-Type", "application/json")
		if tt.kind != "" {
			req.Header.Set("Content-Type", tt.kind)
		}
		all[name] = req
	}
	return all
}

// Whatever the way, a document in metadata form is refused by the ordinary view, and by
// the metadata view where its list names a content that is not there; nothing is left.
func TestEveryWayToWriteMetadataForm(t *testing.T) {
	r := newReplica(t)
	r.put("/db/_design/d", `{"updates":{"given":"function(d,r){return [JSON.parse(r.body),'ok']}"},"rewrites":[{"from":"to/*","to":"../../*"}]}`)
	before := r.ok("GET", "/db", "")
	for _, view := range []struct{ prefix, want string }{
		{"", "403 forbidden: The document is of a metadata replica"}, {"/_metadata", "412 missing_stub: "},
	} {
		for name, req := range r.writes("nowhere") {
			req.URL.Path = view.prefix + req.URL.Path
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(res.Body)
			res.Body.Close()
			if err != nil {
				t.Fatal(err)
			}
			got := strings.NewReplacer(`{"error":"`, "", `","reason":"`, ": ").Replace(fmt.Sprintf("%d %s", res.StatusCode, text))
			if !strings.HasPrefix(got, view.want) {
				t.Errorf("%s below %q: %s", name, view.prefix, got)
			}
		}
	}
	batch := `{"docs":[{"_id":"z","attachments_meta":{"x":` + entry("text/plain", "first", 1) + `}}]}`
	if got := r.ok("POST", "/db/_bulk_docs", batch); !strings.HasPrefix(got, `[{"id":"z","error":"forbidden","reason":"The document is of a metadata replica`) {
		t.Errorf("in a batch: %s", got)
	}
	if after := r.ok("GET", "/db", ""); after != before {
		t.Errorf("it was %s and is %s", before, after)
	}
}
