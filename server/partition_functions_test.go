package server_test

import (
	"strings"
	"testing"
)

const partitionedDesign = `{
	"shows": {"s": "function(doc, req){ return {json: [doc && doc._id, req.path, req.requested_path, req.query]}; }"},
	"updates": {"u": "function(doc, req){ return [{_id: req.id}, req.path.join()]; }"},
	"lists": {"l": "function(head, req){ var row; send(head.total_rows + ':'); while (row = getRow()) send(' ' + row.id); }"}
}`

// The functions are served in a partition too, where lists get its rows alone. They are
// told the path in the database.
func TestFunctionsInPartition(t *testing.T) {
	r := start(t)
	for _, put := range [][2]string{
		{"/db?partitioned=true", ""}, {"/db/_design/d", partitionedDesign}, {"/plain", ""}, {"/plain/_design/d", partitionedDesign},
		{"/db/p:a", `{"n":2}`}, {"/db/p:b", `{"n":1}`}, {"/db/q:c", `{"n":0}`},
	} {
		if status, _, text := ask(t, "PUT", r.url+put[0], put[1], asAdmin...); status != 201 {
			t.Fatalf("%s: %d %s", put[0], status, text)
		}
	}
	for _, index := range []string{`{"index":{"fields":["n"]},"ddoc":"parts","name":"v"}`, `{"index":{"fields":["n"]},"ddoc":"whole","name":"v","partitioned":false}`} {
		if status, _, text := ask(t, "POST", r.url+"/db/_index", index, asAdmin...); status != 200 {
			t.Fatalf("%s: %d %s", index, status, text)
		}
	}
	for _, tt := range []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"GET", "/db/_partition/p/_design/d/_show/s/p:a?x=1", "", 200,
			`["p:a",["db","_design","d","_show","s","p:a"],["db","_partition","p","_design","d","_show","s","p:a?x=1"],{"x":"1"}]` + "\n"},
		{"GET", "/db/_partition/p/_design/d/_show/s", "", 200,
			`[null,["db","_design","d","_show","s"],["db","_partition","p","_design","d","_show","s"],{}]` + "\n"},
		{"GET", "/db/_partition/p/_design/d/_list/l/parts/v?reduce=false", "", 200, "3: p:b p:a"},
		{"GET", "/db/_partition/p/_design/d/_list/l/parts/v?reduce=false&limit=1&partition=p", "", 200, "3: p:b"},
		{"POST", "/db/_partition/p/_design/d/_list/l/parts/v?reduce=false", `{"keys":[[0],[2]]}`, 200, "3: p:a"},
		{"GET", "/db/_partition/p/_design/d/_list/l/_all_docs", "", 200, "6: p:a p:b"},
		{"PUT", "/db/_partition/p/_design/d/_update/u/q:new", "", 201, "db,_design,d,_update,u,q:new"},
		{"GET", "/db/_partition/p/_design/d/_update/u", "", 405, `{"error":"method_not_allowed","reason":"Update functions do not allow GET"}` + "\n"},
		{"GET", "/db/_partition/p/_design/d/_list/l", "", 404, `{"error":"list_error","reason":"Invalid path."}` + "\n"},
		{"GET", "/db/_partition/p/_design/d/_list/l/whole/v", "", 400, `{"error":"query_parse_error","reason":"` + "`partition`" + ` parameter is not supported in this design doc"}` + "\n"},
		{"GET", "/db/_partition/p/_design/d/_show/s?partition=q", "", 400, `{"error":"bad_request","reason":"Conflicting value for ` + "`partition`" + ` in query string"}` + "\n"},
		{"GET", "/db/_partition/_p/_design/d/_show/s", "", 400, `{"error":"illegal_partition","reason":"Partition must not start with an underscore"}` + "\n"},
		{"PUT", "/plain/_partition/p/_design/d/_update/u/x", "", 400, `{"error":"bad_request","reason":"database is not partitioned"}` + "\n"},
	} {
		if status, _, text := ask(t, tt.method, r.url+tt.path, tt.body, asAdmin...); status != tt.status || text != tt.want {
			t.Errorf("%s %s: %d %s, want %d %s", tt.method, tt.path, status, text, tt.status, tt.want)
		}
	}
	if status, _, _ := ask(t, "GET", r.url+"/plain/x", "", asAdmin...); status != 404 {
		t.Errorf("what is refused has written a document: %d", status)
	}
}

// What is refused is refused for the database first, then for the partition's name, another
// partition in the query, the design document, and the method at last.
func TestOrderOfRefusalsInPartition(t *testing.T) {
	r := start(t)
	for _, put := range [][2]string{
		{"/db?partitioned=true", ""}, {"/db/_design/d", partitionedDesign}, {"/plain", ""}, {"/plain/_design/d", partitionedDesign},
	} {
		if status, _, text := ask(t, "PUT", r.url+put[0], put[1], asAdmin...); status != 201 {
			t.Fatalf("%s: %d %s", put[0], status, text)
		}
	}
	const (
		notParted = `{"error":"bad_request","reason":"database is not partitioned"}`
		badName   = `{"error":"illegal_partition","reason":"Partition must not start with an underscore"}`
		twoOfThem = "{\"error\":\"bad_request\",\"reason\":\"Conflicting value for `partition` in query string\"}"
		missing   = `{"error":"not_found","reason":"missing"}`
		notFunc   = `_error","reason":"Invalid path."}`
		onlyGet   = `{"error":"method_not_allowed","reason":"Only GET,POST`
		onlyPost  = `{"error":"method_not_allowed","reason":"Only POST`
		onlyDel   = `{"error":"method_not_allowed","reason":"Only DELETE allowed"}`
		onlyShow  = `{"error":"method_not_allowed","reason":"Only GET,HEAD,POST,PUT,DELETE`
	)
	for _, tt := range []struct {
		method, path string
		status       int
		want         string
	}{
		{"PUT", "/plain/_partition/p/_index", 400, notParted},
		{"GET", "/plain/_partition/p/_index/_bulk_delete", 400, notParted},
		{"PUT", "/plain/_partition/p/_index/d/json/i", 400, notParted},
		{"PUT", "/plain/_partition/p/_index/_design/d/json/i", 400, notParted},
		{"GET", "/plain/_partition/p/_find", 400, notParted},
		{"GET", "/plain/_partition/p/_find/x", 400, notParted},
		{"GET", "/plain/_partition/p/_explain", 400, notParted},
		{"GET", "/db/_partition/_p/_find", 400, badName},
		{"PUT", "/db/_partition/p/_index?partition=q", 400, twoOfThem},
		{"PUT", "/db/_partition/p/_index", 405, onlyGet},
		{"GET", "/db/_partition/p/_index/_bulk_delete", 405, onlyPost},
		{"PUT", "/db/_partition/p/_index/d/json/i", 405, onlyDel},
		{"GET", "/db/_partition/p/_find/x", 405, onlyPost},

		{"DELETE", "/plain/_partition/p/_design/d/_list/l/v", 400, notParted},
		{"PATCH", "/plain/_partition/p/_design/d/_show/s", 400, notParted},
		{"PATCH", "/plain/_partition/p/_design/d/_update/u/x", 400, notParted},
		{"PATCH", "/plain/_partition/p/_design/d/_update", 400, notParted},
		{"DELETE", "/db/_partition/_p/_design/d/_list/l/v", 400, badName},
		{"DELETE", "/db/_partition/p/_design/d/_list/l/v?partition=q", 400, twoOfThem},
		{"DELETE", "/db/_partition/p/_design/none/_list/l/v", 404, missing},
		{"PATCH", "/db/_partition/p/_design/none/_show/s/x", 404, missing},
		{"GET", "/db/_partition/p/_design/none/_show", 404, missing},
		{"GET", "/db/_partition/p/_design/none/_list", 404, missing},
		{"GET", "/plain/_design/none/_update", 404, missing},
		{"GET", "/db/_partition/p/_design/d/_show", 404, `{"error":"show` + notFunc},
		{"GET", "/db/_partition/p/_design/d/_list", 404, `{"error":"list` + notFunc},
		{"DELETE", "/db/_partition/p/_design/d/_list/l/v", 405, onlyGet},
		{"PATCH", "/db/_partition/p/_design/d/_show/s", 405, onlyShow},
		{"PATCH", "/db/_partition/p/_design/d/_update/u/x", 405, onlyPost},
	} {
		status, header, text := ask(t, tt.method, r.url+tt.path, "", asAdmin...)
		if status != tt.status || !strings.HasPrefix(text, tt.want) {
			t.Errorf("%s %s: %d %s, want %d %s", tt.method, tt.path, status, text, tt.status, tt.want)
		}
		if allow := header.Get("Allow"); (status == 405) != (allow != "") {
			t.Errorf("%s %s: Allow: %s", tt.method, tt.path, allow)
		}
	}
}
