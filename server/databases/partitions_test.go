package databases_test

import (
	"strings"
	"testing"
)

func TestPartitions(t *testing.T) {
	b := newBench(t)
	b.create("plain", "a")
	b.play([]exchange{{"PUT", "/alpha?partitioned=true", "-", 201, ""}})
	b.write("alpha", "p1:a", "p1:b", "p1:c", "p2:a", "p2:b", "_design/d", "-p1:gone")
	list := "/alpha/_partition/p1/_all_docs"
	b.play([]exchange{
		{"GET", "/alpha/_partition/p1", "-", 200, `…"partition":"p1","doc_count":3,"doc_del_count":1}`},
		{"GET", "/alpha/_partition/none", "-", 200, `{"db_name":"alpha","sizes":{"active":0,"external":0},"partition":"none","doc_count":0,"doc_del_count":0}`},
		{"GET", "/alpha/_partition", "-", 400, `{"error":"bad_request","reason":"invalid_partition_req"}`},
		{"GET", "/alpha/_partition/", "-", 400, `{"error":"bad_request","reason":"invalid_partition_req"}`},
		{"GET", "/alpha/_partition/_bad", "-", 400, `{"error":"illegal_partition","reason":"Partition must not start with an underscore"}`},
		{"GET", "/plain/_partition/p1", "-", 400, `{"error":"bad_request","reason":"database is not partitioned"}`},
		{"GET", "/plain/_partition/_bad", "-", 400, "…illegal_partition"},
		{"GET", "/alpha/_partition/p1:a", "-", 400, `{"error":"illegal_partition","reason":"Partition must not contain a colon"}`},
		{"PUT", "/alpha/_partition/p1", "{}", 405, "…Only GET allowed"},
		{"POST", "/alpha/_partition/p1", "{}", 405, "…Only GET allowed"},
		{"POST", "/alpha/_partition/_p1", "{}", 400, "…illegal_partition"},
		{"PUT", "/alpha/_partition/_p1", "{}", 405, ""},
		{"POST", "/alpha/_purge", `{"p1:a":["9-x"],"a":["1-x"]}`, 400, `{"error":"illegal_docid","reason":"Doc id must be of form partition:id"}`},
		{"POST", "/plain/_purge", `{"b":["1-x"]}`, 201, ""},
		{"PUT", "/_users?partitioned=true", "-", 400, "…Cannot partition a system database"},
		{"PUT", "/dir%2F_replicator?partitioned=true", "-", 400, "…Cannot partition a system database"},
		{"PUT", "/dir%2Fa_users?partitioned=true", "-", 201, ok},

		{"GET", list, "-", 200, rowsOf("6", "1", "p1:a", "p1:b", "p1:c")},
		{"GET", list + "?partition=p1", "-", 200, rowsOf("6", "1", "p1:a", "p1:b", "p1:c")},
		{"GET", list + "?limit=1&skip=1", "-", 200, rowsOf("6", "2", "p1:b")},
		{"GET", list + "?descending=true", "-", 200, rowsOf("6", "2", "p1:c", "p1:b", "p1:a")},
		{"GET", list + "?startkey=%22p1:b%22", "-", 200, rowsOf("6", "2", "p1:b", "p1:c")},
		{"GET", list + "?key=%22p2:a%22", "-", 200, rowsOf("6", "4")},
		{"GET", list + "?endkey=%22p1:a%22", "-", 200, rowsOf("6", "1", "p1:a")},
		{"POST", list, `{"startkey":"p1:c"}`, 200, rowsOf("6", "3", "p1:c")},
		{"POST", list + "/queries", `{"queries":[{"limit":1}]}`, 200, "…" + strings.TrimSuffix(rowsOf("6", "1", "p1:a"), "}")},
		{"POST", list, `{"partition":"p1","limit":1}`, 200, rowsOf("6", "1", "p1:a")},
		{"POST", list, `{"partition":"p2"}`, 400, "…Conflicting value for `partition`"},
		{"POST", list + "/queries", `{"queries":[{"partition":"p1","limit":1}]}`, 200, "…" + strings.TrimSuffix(rowsOf("6", "1", "p1:a"), "}")},
		{"POST", list + "/queries", `{"queries":[{"limit":1},{"partition":"p2"}]}`, 400, "…Conflicting value for `partition`"},
		{"GET", "/alpha/_partition/none/_all_docs", "-", 200, rowsOf("6", "1")},
		{"GET", "/alpha/_partition/p1/_all_docs?limit=268435457", "-", 400, "…Limit is too large"},
		{"GET", "/alpha/_all_docs?limit=268435457", "-", 200, ""},
		{"GET", "/alpha/_all_docs?partition=p2", "-", 200, rowsOf("6", "4", "p2:a", "p2:b")},
		{"POST", "/alpha/_all_docs", `{"partition":"p2"}`, 200, rowsOf("6", "4", "p2:a", "p2:b")},

		{"GET", list + "?partition=p2", "-", 400, "…Conflicting value for `partition`"},
		{"GET", "/alpha/_partition/_bad/_all_docs", "-", 400, "…illegal_partition"},
		{"GET", "/plain/_partition/p1/_all_docs", "-", 400, "…database is not partitioned"},
		{"GET", "/alpha/_partition/p1/_changes", "-", 404, `{"error":"not_found","reason":"missing"}`},
		{"POST", "/alpha/_partition/p1/_nothing", "{}", 404, `{"error":"not_found","reason":"missing"}`},
		{"COPY", "/alpha/_partition/p1/p1:a", "-", 404, `{"error":"not_found","reason":"missing"}`},
		{"PUT", "/alpha/_partition/p1/p1:a", "{}", 404, `{"error":"not_found","reason":"missing"}`},
		{"POST", "/plain/_partition/p1/_find", "{}", 400, "…database is not partitioned"},
		{"GET", "/alpha/_partition//_all_docs", "-", 400, "…illegal_partition"},
	})
}
