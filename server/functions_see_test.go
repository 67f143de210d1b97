package server_test

import (
	"fmt"
	"strings"
	"testing"
)

const seeingDesign = `{
	"shows": {
		"names": "function(doc, req){ return Object.keys(req).join(); }",
		"header": "function(doc, req){ return Object.keys(req.headers).join(); }",
		"body": "function(doc, req){ return JSON.stringify(req.body); }",
		"paths": "function(doc, req){ return JSON.stringify([req.path.slice(4), req.requested_path.slice(4), req.raw_path.slice(19), req.id]); }",
		"security": "function(doc, req){ return JSON.stringify(req.secObj); }",
		"history": "function(doc){ return doc._revisions.start + ' ' + doc._revisions.ids.length; }"
	},
	"updates": {"history": "function(doc){ return [null, String(doc._revisions.ids.length)]; }"},
	"lists": {"body": "function(head, req){ return JSON.stringify(req.body); }"},
	"filters": {"body": "function(doc, req){ throw(['error', 'forbidden', req.body]); }"},
	"rewrites": "function(req){ return {code: 200, body: Object.keys(req).join()}; }"
}`

// What functions see of a request is what CouchDB shows them, in its order.
func TestWhatFunctionsSee(t *testing.T) {
	r, url := withDesign(t, seeingDesign)
	ids := make([]string, 30)
	for i := range ids {
		ids[i] = fmt.Sprintf(`"%032d"`, i)
	}
	old := `{"new_edits":false,"docs":[{"_id":"old","_revisions":{"start":30,"ids":[` + strings.Join(ids, ",") + `]}}]}`
	if status, _, text := ask(t, "POST", r.url+"/db/_bulk_docs", old, asAdmin...); status != 201 {
		t.Fatalf("%d %s", status, text)
	}
	for _, path := range []string{"/fresh", "/fresh/_design/d"} {
		if status, _, text := ask(t, "PUT", r.url+path, seeingDesign, asAdmin...); status != 201 {
			t.Fatalf("%s: %d %s", path, status, text)
		}
	}
	for _, tt := range []struct {
		method, url, body string
		status            int
		want              string
	}{
		{"GET", url + "/_show/names", "", 200, "info,uuid,id,method,requested_path,path,raw_path,query,headers,body,peer,form,cookie,userCtx,secObj"},
		{"GET", url + "/_rewrite/x", "", 200, "method,requested_path,path,raw_path,query,headers,body,peer,cookie,userCtx,secObj"},
		{"GET", url + "/_show/header", "", 200, "Accept-Encoding,Content-Type,Host,User-Agent"},
		{"GET", url + "/_show/paths//a+b%2Fc/?x=%22d/e%22", "", 200, `[["paths","a b/c"],["paths","a b/c","?x=\"d","e\""],"/paths//a+b%2Fc/?x=%22d/e%22","a b/c"]`},
		{"GET", url + "/_show/body", "", 200, `"undefined"`},
		{"POST", url + "/_show/body", "", 200, `""`},
		{"POST", url + "/_show/body", "a", 200, `"a"`},
		{"GET", url + "/_list/body/_all_docs", "", 200, `"undefined"`},
		{"POST", url + "/_list/body/_all_docs", `{"a":1}`, 200, `{"a":1}`},
		{"POST", url + "/_list/body/_all_docs", "", 400, "bad_request"},
		{"GET", r.url + "/db/_changes?filter=d/body", "", 403, `"reason":"undefined"`},
		{"POST", r.url + "/db/_changes?filter=d/body", "", 403, `"reason":""`},
		{"POST", r.url + "/db/_changes?filter=d/body", `{"a":[1.50]}`, 403, `"reason":{"a":[1.5]}`},
		{"POST", r.url + "/db/_changes?filter=d/body", `[]`, 400, "bad_request"},
		{"POST", r.url + "/db/_changes?filter=d/body", `{"a":"` + strings.Repeat("x", 1<<20) + `"}`, 413, "too_large"},
		{"GET", url + "/_show/security", "", 200, `{"admins":{"names":["nobody"]},"members":{}}`},
		{"GET", r.url + "/fresh/_design/d/_show/security", "", 200, `{"members":{"roles":["_admin"]},"admins":{"roles":["_admin"]}}`},
		{"GET", url + "/_show/history/old", "", 200, "30 20"},
		{"POST", url + "/_update/history/old", "", 200, "20"},
	} {
		status, _, text := ask(t, tt.method, tt.url, tt.body, asAdmin...)
		if status != tt.status || status == 200 && text != tt.want || !strings.Contains(text, tt.want) {
			t.Errorf("%s %s %.40s: %d %s, want %d %s", tt.method, tt.url, tt.body, status, text, tt.status, tt.want)
		}
	}
}
