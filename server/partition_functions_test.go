package server_test

import "testing"

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
			`["p:a",["db","_design","d","_show","s","p:a"],["db","_partition","p","_design","d","_show","s","p:a"],{"x":"1"}]`},
		{"GET", "/db/_partition/p/_design/d/_show/s", "", 200,
			`[null,["db","_design","d","_show","s"],["db","_partition","p","_design","d","_show","s"],{}]`},
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
