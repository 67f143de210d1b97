package server_test

import (
	"strings"
	"testing"
)

const answering = `{
	"lists": {
		"late": "function(){ getRow(); start({code: 201, headers: {'X-Late': 'y', 'Content-Type': 'text/late'}}); return 'late'; }",
		"early": "function(){ send('a'); throw(['error', 'bad_request', 'early']); }",
		"row": "function(){ getRow(); throw(['error', 'not_found', 'at a row']); }",
		"part": "function(){ getRow(); send('part'); getRow(); throw(['error', 'not_found', 'at a row']); }",
		"end": "function(){ while (getRow()) ; throw(['error', 'conflict', 'at the end']); }",
		"rows": "function(){ var row; while (row = getRow()) send(JSON.stringify(row)); }",
		"csp": "function(){ start({headers: {'Content-Security-Policy': 'img-src *'}}); return 'text'; }"
	},
	"shows": {
		"json": "function(){ return {json: 1}; }",
		"throws": "function(doc, req){ throw(['error', req.query.name, 'why']); }",
		"none": "function(){ return {code: 302, headers: {Location: '/'}}; }"
	},
	"updates": {
		"own": "function(){ return [{_id: 'own'}, {headers: {'X-Couch-Id': 'mine', 'x-couch-update-newrev': '7-mine'}, body: 'text'}]; }",
		"string": "function(){ return ['no document', 'text']; }",
		"number": "function(){ return [5, 'text']; }",
		"array": "function(){ return [[], 'text']; }",
		"text": "function(){ return 'ab'; }"
	}
}`

// How answers of functions look.
func TestAnswersOfFunctions(t *testing.T) {
	_, url := withDesign(t, answering)
	const sandbox = "sandbox"
	for _, tt := range []struct {
		method, path string
		status       int
		header       map[string]string
		want         string
	}{
		{"GET", "_list/late/_all_docs", 201, map[string]string{"X-Late": "y", "Content-Type": "text/late", "Content-Security-Policy": sandbox}, "late"},
		{"GET", "_list/early/_all_docs", 400, map[string]string{"Content-Security-Policy": ""}, `{"error":"bad_request","reason":"early"}` + "\n"},
		{"GET", "_list/row/_all_docs", 404, map[string]string{"Content-Type": "application/json"}, "\n" + `{"code":404,"error":"not_found","reason":"at a row"}` + "\n"},
		{"GET", "_list/part/_all_docs", 200, nil, "part\n" + `{"code":404,"error":"not_found","reason":"at a row"}` + "\n"},
		{"GET", "_list/end/_all_docs", 409, nil, `{"error":"conflict","reason":"at the end"}` + "\n"},
		{"GET", "_list/csp/_all_docs", 200, map[string]string{"Content-Security-Policy": "sandbox,img-src *", "Cache-Control": ""}, "text"},
		{"GET", "_list/rows/_all_docs?keys=[%22none%22]", 200, nil, `{"id":"error","key":"none","value":"not_found"}`},
		{"GET", "_list/nothing/_all_docs?limit=x", 404, nil, `{"error":"not_found","reason":"missing json key: nothing"}` + "\n"},
		{"GET", "_show/json", 200, map[string]string{"Cache-Control": "must-revalidate", "Content-Security-Policy": sandbox}, "1\n"},
		{"GET", "_show/none", 302, map[string]string{"Cache-Control": "", "Content-Type": "application/json"}, ""},
		{"GET", "_show/nothing?key=x", 404, nil, `{"error":"not_found","reason":"missing json key: nothing"}` + "\n"},
		{"GET", "_show/throws?name=query_parse_error", 400, nil, `{"error":"query_parse_error","reason":"why"}` + "\n"},
		{"GET", "_show/throws?name=missing_stub", 412, nil, `{"error":"missing_stub","reason":"why"}` + "\n"},
		{"GET", "_show/throws?name=own_name", 422, nil, `{"error":"own_name","reason":"why"}` + "\n"},
		{"POST", "_update/own", 201, map[string]string{"X-Couch-Id": "own", "X-Couch-Update-Newrev": "1-967a00dff5e02add41819138abb3284d"}, "text"},
		{"POST", "_update/string", 200, map[string]string{"X-Couch-Id": ""}, "text"},
		{"POST", "_update/number", 200, nil, "text"},
		{"PUT", "_update/array", 200, nil, "text"},
		{"POST", "_update/text", 200, nil, "b"},
	} {
		status, header, text := ask(t, tt.method, url+"/"+tt.path, "", asAdmin...)
		if status != tt.status || text != tt.want {
			t.Errorf("%s %s: %d %s, want %d %s", tt.method, tt.path, status, text, tt.status, tt.want)
		}
		for name, want := range tt.header {
			if got := strings.Join(header.Values(name), ","); got != want {
				t.Errorf("%s %s: %s is %q, want %q", tt.method, tt.path, name, got, want)
			}
		}
	}
}

// Rows hold the contents of attachments where they are asked for, but no more than fits.
func TestAttachmentsInLists(t *testing.T) {
	const design = `{"lists": {"l": "function(){ var row, n = 0; while (row = getRow()) { n++; if (row.doc && row.doc._attachments) send(JSON.stringify(row.doc._attachments.a.data) + ' '); } return String(n); }"}}`
	r, url := withDesign(t, design)
	ask(t, "PUT", r.url+"/db/doc", `{"n":1,"_attachments":{"a":{"content_type":"text/plain","data":"aGVsbG8="}}}`, asAdmin...)
	if status, _, text := ask(t, "POST", r.url+"/db/_index", `{"index":{"fields":["n"]},"ddoc":"i","name":"v"}`, asAdmin...); status != 200 {
		t.Fatal(text)
	}
	large := strings.Repeat("x", 13<<20)
	for _, put := range []struct{ path, rev string }{{"/db/large", ""}, {"/db/large/a?rev=", "1-967a00dff5e02add41819138abb3284d"}} {
		body := `{}`
		if put.rev != "" {
			body = large
		}
		if status, _, text := ask(t, "PUT", r.url+put.path+put.rev, body, asAdmin...); status != 201 {
			t.Fatalf("%d %s", status, text)
		}
	}
	for _, tt := range []struct {
		path   string
		status int
		want   string
	}{
		{"i/v?reduce=false", 200, "1"},
		{"i/v?reduce=false&include_docs=true", 200, "undefined 1"},
		{"i/v?reduce=false&include_docs=true&attachments=true", 200, `"aGVsbG8=" 1`},
		{"_all_docs?key=%22doc%22&include_docs=true&attachments=true", 200, `"aGVsbG8=" 1`},
		{"_all_docs?key=%22large%22&include_docs=true", 200, "undefined 1"},
		{"_all_docs?key=%22large%22&include_docs=true&attachments=true", 413, `{"error":"too_large","reason":"a row is too large for a list function"}` + "\n"},
	} {
		if status, _, text := ask(t, "GET", url+"/_list/l/"+tt.path, "", asAdmin...); status != tt.status || text != tt.want {
			t.Errorf("%s: %d %.200s, want %d %s", tt.path, status, text, tt.status, tt.want)
		}
	}
}
