package server_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// functionsDesign has functions that try what they must not.
const functionsDesign = `{
	"shows": {
		"header": "function(){ return {headers: {'Set-Cookie': 'AuthSession=x', 'Content-Length': '1', 'Access-Control-Allow-Origin': '*', 'X-Own': 'y'}, body: 'text'}; }",
		"secret": "function(doc, req){ return JSON.stringify([req.headers, req.cookie]); }"
	},
	"updates": {"att": "function(doc, req){ return [{_id: req.id, _attachments: {a: {content_type: 'text/plain', data: 'aGVsbG8='}}}, 'ok']; }"},
	"rewrites": [{"from": "up/:up", "to": "../../:up/_all_dbs"}, {"from": "loop", "to": "_rewrite/loop"}, {"from": "who", "to": "../.."}]
}`

func TestFunctionsOverHTTP(t *testing.T) {
	r := start(t)
	call := func(method, path, body string) (int, http.Header, string) {
		t.Helper()
		req, err := http.NewRequest(method, r.url+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.SetBasicAuth("admin", "pass")
		req.Header.Set("Content-Type", "application/json")
		answer, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		return answer.StatusCode, answer.Header, string(text)
	}
	call("PUT", "/db", "")
	if status, _, text := call("PUT", "/db/_design/d", functionsDesign); status != 201 {
		t.Fatalf("%d %s", status, text)
	}
	_, header, text := call("GET", "/db/_design/d/_show/header", "")
	if text != "text" || header.Get("Set-Cookie") != "" || header.Get("Access-Control-Allow-Origin") != "" || header.Get("X-Own") != "y" {
		t.Errorf("header: %v %q", header, text)
	}
	if _, _, text := call("GET", "/db/_design/d/_show/secret", ""); strings.Contains(text, "Basic") {
		t.Errorf("a function sees the password: %s", text)
	}
	if status, _, _ := call("PUT", "/db/_design/d/_update/att/x", ""); status != 201 {
		t.Errorf("update: %d", status)
	}
	if _, _, text := call("GET", "/db/x/a", ""); text != "hello" {
		t.Errorf("the attachment is %q", text)
	}
	for path, want := range map[string]int{"up/..": 400, "loop": 400, "who": 200, "none": 404} {
		if status, _, text := call("GET", "/db/_design/d/_rewrite/"+path, ""); status != want {
			t.Errorf("rewrite %s: %d %s, want %d", path, status, text, want)
		}
	}
}
