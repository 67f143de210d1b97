package databases_test

import (
	"testing"
)

func TestPurge(t *testing.T) {
	b := newBench(t)
	b.create("alpha", "a", "b", "-c")
	const rev = "1-967a00dff5e02add41819138abb3284d" // of {}
	b.play([]exchange{
		{"POST", "/alpha/_purge", `{"a":["` + rev + `"],"none":["1-x"]}`, 201, `{"purge_seq":null,"purged":{"a":["` + rev + `"],"none":[]}}`},
		{"POST", "/alpha/_purge", `{}`, 201, `{"purge_seq":null,"purged":{}}`},
		{"POST", "/alpha/_purge", `{"b":[],"b":["2-y"]}`, 201, `{"purge_seq":null,"purged":{"b":[]}}`},
		{"POST", "/alpha/_purge", `{"b":["bad"]}`, 400, `{"error":"bad_request","reason":"Invalid rev format"}`},
		{"POST", "/alpha/_purge", `{"b":[5]}`, 400, ""},
		{"POST", "/alpha/_purge", `{"b":"1-b"}`, 400, `{"error":"bad_request","reason":"Invalid list of revisions"}`},
		{"POST", "/alpha/_purge", `[]`, 400, ""},
		{"POST", "/alpha/_purge", `{"b":["1-b"]`, 400, ""},
		{"POST", "/alpha/_purge", "-", 415, ""},
		{"GET", "/alpha/_purge", "-", 405, ""},
		{"POST", "/beta/_purge", `{}`, 404, ""},
		{"GET", "/alpha/_all_docs?keys=%5B%22a%22%5D", "-", 200, `…{"key":"a","error":"not_found"}`},
		{"GET", "/alpha/_purged_infos", "-", 200, `{"purged_infos":[{"id":"a","revs":["` + rev + `"]},{"id":"b","revs":["2-y"]},{"id":"none","revs":["1-x"]}]}`},
	})
}

func TestPurgedInfosLimit(t *testing.T) {
	b := newBench(t)
	b.create("alpha")
	b.play([]exchange{
		{"GET", "/alpha/_purged_infos_limit", "-", 200, "1000"},
		{"PUT", "/alpha/_purged_infos_limit", "50", 200, ok},
		{"GET", "/alpha/_purged_infos_limit", "-", 200, "50"},
		{"PUT", "/alpha/_purged_infos_limit", "0", 400, ""},
		{"PUT", "/alpha/_purged_infos_limit", `"x"`, 400, ""},
		{"POST", "/alpha/_purged_infos_limit", "5", 405, ""},
		{"GET", "/alpha/_purged_infos_limit", "-", 200, "50"},
	})
}
