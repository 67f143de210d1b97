package server_test

import (
	"strings"
	"testing"

	"settle/server/config"
)

const showDesign = `{
	"shows": {
		"version": "function(doc, req){ return {body: '1', headers: {ETag: 'own', Vary: 'Own'}}; }",
		"code": "function(doc, req){ return {code: +req.query.code, body: 'text'}; }",
		"query": "function(doc, req){ return {json: req.query}; }",
		"info": "function(doc, req){ return {json: [Object.keys(req.info).sort(), typeof req.cookie]}; }",
		"conflicts": "function(doc, req){ return {json: doc._conflicts}; }",
		"method": "function(doc, req){ return req.method; }"
	},
	"updates": {
		"id": "function(doc, req){ var d = {_id: req.query.id, n: 1}; if (req.query.rev) d._rev = req.query.rev; if (req.query.deleted) d._deleted = true; return [d, doc ? doc._rev : 'none']; }",
		"ok": "function(doc, req){ return [{_id: req.id}, {code: 200, body: ''}]; }",
		"conflicts": "function(doc, req){ return [null, {json: doc._conflicts}]; }",
		"nothing": "function(doc, req){}"
	},
	"lists": {
		"code": "function(head, req){ start({code: +req.query.code}); send('text'); }",
		"early": "function(head, req){ send('text'); throw ['error', 'teapot', 'early']; }",
		"all": "function(head, req){ send(JSON.stringify(head)); var row; while (row = getRow()) send(' ' + row.key + (row.doc && row.doc.long ? '(' + row.doc.long.length + ')' : '')); }",
		"first": "function(head, req){ return getRow().key; }"
	}
}`

func TestShows(t *testing.T) {
	r, url := withDesign(t, showDesign)
	ask(t, "POST", r.url+"/db/_bulk_docs", `{"new_edits":false,"docs":[{"_id":"c","_rev":"1-a"},{"_id":"c","_rev":"1-b"}]}`, asAdmin...)
	for _, tt := range []struct {
		method, path string
		status       int
		want         string
	}{
		{"GET", "_show/code?code=204", 204, ""},
		{"GET", "_show/code?code=304", 304, ""},
		{"GET", "_show/code?code=101", 422, "external_response_error"},
		{"GET", "_show/code?code=201", 201, "text"},
		{"GET", `_show/query?key="a"&startkey=[1]&endkey={}&descending=true&start_key=5&keys=[]`, 200,
			`{"key":"a","startkey":[1],"endkey":{},"descending":true,"start_key":"5","keys":"[]"}`},
		{"GET", "_show/query?key=a", 400, "invalid_json"},
		{"GET", "_show/info", 200, `[["cluster","compact_running","db_name","disk_format_version","doc_count","doc_del_count","instance_start_time","props","purge_seq","sizes","update_seq"],"object"]`},
		{"GET", "_show/conflicts/c", 200, `["1-a"]`},
		{"POST", "_update/conflicts/c", 200, `["1-a"]`},
		{"DELETE", "_show/method", 200, "DELETE"},
		{"PUT", "_show/method/c", 200, "PUT"},
		{"PUT", "_update/ok/made", 200, ""},
		{"GET", "_update/ok", 405, "Update functions do not allow GET"},
		{"HEAD", "_update/ok/by-head", 405, ""},
		{"GET", "_update/none/c", 404, "missing json key: none"},
		{"GET", "_update", 404, "update_error"},
		{"DELETE", "_show", 404, "show_error"},
		{"GET", "_list", 404, "list_error"},
		{"GET", "_list/", 404, "list_error"},
		{"POST", "_list/all", 404, "list_error"},
		{"GET", "_list/all/a/b/c", 404, "list_error"},
		{"POST", "_update/nothing", 422, `{"error":"render_error","reason":"undefined response from update function"}` + "\n"},
	} {
		status, _, text := ask(t, tt.method, url+"/"+tt.path, "", asAdmin...)
		if status != tt.status || (status < 400 && text != tt.want && strings.TrimSpace(text) != tt.want) || !strings.Contains(text, tt.want) {
			t.Errorf("%s %s: %d %s, want %d %s", tt.method, tt.path, status, text, tt.status, tt.want)
		}
	}
	if status, _, _ := ask(t, "GET", r.url+"/db/by-head", "", asAdmin...); status != 404 {
		t.Errorf("HEAD has written a document: %d", status)
	}
}

func TestUpdatesOfReservedIDs(t *testing.T) {
	r, url := withDesign(t, showDesign)
	for _, tt := range []struct {
		path   string
		status int
		rev    string
	}{
		{"?id=_local/x", 201, "0-1"},
		{"?id=_local/x&rev=0-1", 201, "0-2"},
		{"?id=_local/x&rev=x", 400, ""},
		{"/_local/x?id=_local/x&rev=0-2&deleted=1", 201, "0-0"},
		{"?id=_other", 400, ""},
	} {
		status, header, text := ask(t, "POST", url+"/_update/id"+tt.path, "", asAdmin...)
		if rev := header.Get("X-Couch-Update-NewRev"); status != tt.status || rev != tt.rev {
			t.Errorf("%s: %d %s %s, want %d %s", tt.path, status, rev, text, tt.status, tt.rev)
		}
	}
	if status, _, _ := ask(t, "GET", r.url+"/db/_local/x", "", asAdmin...); status != 404 {
		t.Errorf("the local document is left: %d", status)
	}
	if _, _, text := ask(t, "GET", r.url+"/db/_all_docs", "", asAdmin...); strings.Contains(text, "_local") {
		t.Errorf("a local document replicates: %s", text)
	}
	if status, _, text := ask(t, "POST", url+"/_update/id?id=_design/e", ""); status != 401 && status != 403 {
		t.Errorf("anybody writes a design document: %d %s", status, text)
	}
}

func TestTagsOfShows(t *testing.T) {
	r, url := withDesign(t, showDesign)
	_, header, _ := ask(t, "GET", url+"/_show/version", "", asAdmin...)
	tag := header.Get("ETag")
	if tag == "own" || strings.Contains(strings.Join(header.Values("Vary"), ","), "Own") {
		t.Errorf("the function's own header: %v", header)
	}
	if status, _, _ := ask(t, "GET", url+"/_show/version", "", append([]string{"If-None-Match", tag}, asAdmin...)...); status != 304 {
		t.Errorf("unchanged: %d", status)
	}
	_, header, _ = ask(t, "GET", url, "", asAdmin...)
	changed := strings.Replace(showDesign, "body: '1'", "body: '2'", 1)
	if status, _, text := ask(t, "PUT", url+"?rev="+strings.Trim(header.Get("ETag"), `"`), changed, asAdmin...); status != 201 {
		t.Fatal(text)
	}
	if status, _, text := ask(t, "GET", url+"/_show/version", "", append([]string{"If-None-Match", tag}, asAdmin...)...); status != 200 || text != "2" {
		t.Errorf("by a changed design document: %d %s", status, text)
	}
	set(t, r, map[config.ID]string{config.AuthHandlers: "{chttpd_auth, proxy_authentication_handler}"})
	var tags []string
	for _, roles := range []string{"a", "b"} {
		_, header, _ := ask(t, "GET", url+"/_show/version", "", "X-Auth-CouchDB-UserName", "joe", "X-Auth-CouchDB-Roles", roles)
		tags = append(tags, header.Get("ETag"))
	}
	if tags[0] == tags[1] || tags[0] == "" {
		t.Errorf("the tag %q is that of other roles", tags)
	}
}

func TestListsOfAllDocuments(t *testing.T) {
	r, url := withDesign(t, showDesign)
	ask(t, "POST", r.url+"/db/_bulk_docs", `{"docs":[{"_id":"a"},{"_id":"b","long":"`+strings.Repeat("x", 10_000)+`"},{"_id":"c"}]}`, asAdmin...)
	for _, tt := range []struct{ method, path, body, want string }{
		{"GET", "all/_all_docs", "", `{"total_rows":4,"offset":0} _design/d a b c`},
		{"GET", "all/d/_all_docs?startkey=%22b%22&include_docs=true", "", `{"total_rows":4,"offset":2} b(10000) c`},
		{"GET", "all/_all_docs?descending=true&limit=1", "", `{"total_rows":4,"offset":0} c`},
		{"GET", "all/_all_docs?startkey=%22x%22", "", `{"total_rows":4,"offset":4}`},
		{"POST", "all/_all_docs?limit=2", `{"keys":["c","none","a"],"limit":1,"startkey":5}`, `{"total_rows":4,"offset":null} c none`},
		{"GET", "first/_all_docs", "", "_design/d"},
		{"GET", "code/_all_docs?code=204", "", ""},
		{"GET", "code/_all_docs?code=101", "", "external_response_error"},
		{"GET", "early/_all_docs", "", `{"error":"teapot","reason":"early"}`},
	} {
		_, _, text := ask(t, tt.method, url+"/_list/"+tt.path, tt.body, asAdmin...)
		if strings.TrimSpace(text) != tt.want && !strings.Contains(text, `"error":"`+tt.want+`"`) {
			t.Errorf("%s: %s, want %s", tt.path, text, tt.want)
		}
	}
}

func TestListsOfSystemDatabases(t *testing.T) {
	r := start(t)
	ask(t, "PUT", r.url+"/_users", "", asAdmin...)
	ask(t, "PUT", r.url+"/_users/_security", `{"members":{}}`, asAdmin...)
	if status, _, text := ask(t, "PUT", r.url+"/_users/_design/d", showDesign, asAdmin...); status != 201 {
		t.Fatal(text)
	}
	if status, _, text := ask(t, "GET", r.url+"/_users/_design/d/_list/all/_all_docs", ""); status < 400 {
		t.Errorf("anybody lists the accounts: %d %s", status, text)
	}
	if status, _, text := ask(t, "GET", r.url+"/_users/_design/d/_list/all/_all_docs", "", asAdmin...); status != 200 {
		t.Errorf("the administrator: %d %s", status, text)
	}
}
