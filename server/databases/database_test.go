package databases_test

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"settle/storage/couch"
)

const ok = `{"ok":true}`

func TestCreateAndDrop(t *testing.T) {
	b := newBench(t)
	b.play([]exchange{
		{"PUT", "/alpha", "-", 201, ok},
		{"PUT", "/alpha", "-", 412, `…"file_exists"`},
		{"PUT", "/Alpha", "-", 400, `…"illegal_database_name"`},
		{"PUT", "/a%20b", "-", 400, `…Name: 'a b'.`},
		{"PUT", "/_x", "-", 400, `…"illegal_database_name"`},
		{"PUT", "/_users", "-", 201, ok},
		{"PUT", "/dir%2Fbeta", "-", 201, ok},
		{"GET", "/dir%2Fbeta", "-", 200, `…"db_name":"dir/beta"`},
		{"PUT", "/gamma?q=4&n=2&unknown=1", "-", 201, ok},
		{"PUT", "/zeta?placement=zone:1", "-", 201, ok}, // Q3
		{"PUT", "/theta?engine=couch", "-", 201, ok},
		{"PUT", "/delta?engine=other", "-", 400, "…invalid_engine_extension"},
		{"PUT", "/delta?engine=", "-", 400, "…invalid_engine_extension"},
		{"PUT", "/delta?q=x&q=1", "-", 400, "…`q` value"},
		{"PUT", "/delta?q=0", "-", 400, "…`q` value"},
		{"PUT", "/delta?q=x", "-", 400, "…`q` value"},
		{"PUT", "/delta?n=", "-", 400, "…`n` value"},
		{"PUT", "/delta?partitioned=maybe", "-", 400, "…`partitioned`"},
		{"HEAD", "/delta", "-", 404, ""},
		{"PUT", "/delta?partitioned=true", "-", 201, ok},
		{"GET", "/delta", "-", 200, `…"props":{"partitioned":true}`},
		{"PUT", "/eta?partitioned=false", "-", 201, ok},
		{"GET", "/eta", "-", 200, `…"props":{}`},
		{"DELETE", "/eta?rev=1-x", "-", 400, "…Did you mean to DELETE a document"},
		{"DELETE", "/eta", "-", 200, ok},
		{"DELETE", "/eta", "-", 404, "…Database does not exist."},
		{"GET", "/eta", "-", 404, "…Database does not exist."},
		{"HEAD", "/alpha", "-", 200, ""},
	})
	if got := b.do("PUT", "/a%2Fb", "-").Header().Get("Location"); got != "http://example.com/a%2Fb" {
		t.Errorf("Location %s", got)
	}
}

func TestInfo(t *testing.T) {
	b := newBench(t)
	before := time.Now().Unix()
	db := b.create("alpha", "a", "b", "-c")
	var info struct {
		Name       string `json:"db_name"`
		UpdateSeq  string `json:"update_seq"`
		PurgeSeq   string `json:"purge_seq"`
		Start      string `json:"instance_start_time"`
		Docs       int    `json:"doc_count"`
		Deleted    int    `json:"doc_del_count"`
		Format     int    `json:"disk_format_version"`
		Compacting *bool  `json:"compact_running"`
		Sizes      map[string]int64
		Cluster    map[string]int
	}
	if err := json.Unmarshal(b.do("GET", "/alpha", "-").Body.Bytes(), &info); err != nil {
		t.Fatal(err)
	}
	if info.Name != "alpha" || info.Docs != 2 || info.Deleted != 1 || info.UpdateSeq != db.FormatSeq(3) || info.PurgeSeq != db.FormatSeq(0) ||
		info.Format != 8 || info.Compacting == nil || *info.Compacting || len(info.Sizes) != 3 || info.Cluster["q"] != 1 {
		t.Errorf("%+v", info)
	}
	start, err := json.Number(info.Start).Int64()
	if err != nil || start < before || start > time.Now().Unix() {
		t.Errorf("instance_start_time %s", info.Start)
	}
	b.play([]exchange{
		{"POST", "/alpha/_ensure_full_commit", "-", 415, ""},
		{"POST", "/alpha/_ensure_full_commit", "", 201, `{"ok":true,"instance_start_time":"` + info.Start + `"}`},
		{"GET", "/alpha/_ensure_full_commit", "-", 405, ""},
		{"POST", "/alpha/_sync_shards", "{}", 202, `{"ok":true}`},
		{"POST", "/missing/_sync_shards", "{}", 404, ""},
		{"GET", "/alpha/_shards", "-", 200, `{"shards":{"00000000-ffffffff":["settle@127.0.0.1"]}}`},
	})
}

func TestSecurity(t *testing.T) {
	b := newBench(t)
	b.create("alpha")
	const object = `{"members":{"roles":["staff"]},"extra":{"any":[1,2.50]},"admins":{"names":["bob"],"roles":[]}}`
	b.play([]exchange{
		{"GET", "/alpha/_security", "-", 200, `{"members":{"roles":["_admin"]},"admins":{"roles":["_admin"]}}`},
		{"PUT", "/alpha/_security", " " + object + "\n", 200, ok},
		{"GET", "/alpha/_security", "-", 200, strings.Replace(object, "2.50", "2.5", 1)},
		{"PUT", "/alpha/_security", `{"admins":["bob"]}`, 400, ""},
		{"PUT", "/alpha/_security", `{"admins":{"names":[1]}}`, 400, ""},
		{"PUT", "/alpha/_security", `{"admins":{"roles":"x"}}`, 400, ""},
		{"PUT", "/alpha/_security", `{"members":"all"}`, 400, ""},
		{"PUT", "/alpha/_security", `{"readers":{"names":null}}`, 400, ""},
		{"PUT", "/alpha/_security", `[]`, 400, ""},
		{"PUT", "/alpha/_security", `{broken`, 400, "…invalid UTF-8 JSON"},
		{"PUT", "/alpha/_security", `{} x`, 400, "…invalid UTF-8 JSON"},
		{"PUT", "/alpha/_security", "-", 400, "…invalid UTF-8 JSON"},
		{"PUT", "/alpha/_security", `{"x":"` + strings.Repeat("x", 1<<20) + `"}`, 413, ""},
		{"GET", "/alpha/_security", "-", 200, strings.Replace(object, "2.50", "2.5", 1)},
		{"PUT", "/alpha/_security", `{}`, 200, ok},
		{"GET", "/alpha/_security", "-", 200, `{}`},
		{"PUT", "/alpha/_security", `{"admins":["x"],"admins":{}}`, 200, ok},
		{"DELETE", "/alpha/_security", "-", 405, "…Only PUT,GET"},
		{"GET", "/beta/_security", "-", 404, ""},
		{"GET", "/alpha", "-", 200, `…"update_seq":"3-`},
	})
}

func TestRevsLimit(t *testing.T) {
	b := newBench(t)
	b.create("alpha")
	b.play([]exchange{
		{"GET", "/alpha/_revs_limit", "-", 200, "1000"},
		{"PUT", "/alpha/_revs_limit", "20", 200, ok},
		{"PUT", "/alpha/_revs_limit", " 21\n", 200, ok},
		{"GET", "/alpha/_revs_limit", "-", 200, "21"},
		{"PUT", "/alpha/_revs_limit", "0", 400, ""},
		{"PUT", "/alpha/_revs_limit", "-5", 400, ""},
		{"PUT", "/alpha/_revs_limit", `"10"`, 400, ""},
		{"PUT", "/alpha/_revs_limit", "2.5", 400, ""},
		{"PUT", "/alpha/_revs_limit", "99999999999999999999", 400, ""},
		{"PUT", "/alpha/_revs_limit", "", 400, ""},
		{"PUT", "/alpha/_revs_limit", strings.Repeat("1", 100), 413, ""},
		{"GET", "/alpha/_revs_limit", "-", 200, "21"},
		{"GET", "/alpha", "-", 200, `…"update_seq":"2-`},
	})
}

// A compaction is told of until it is done, and then the old bodies are gone.
func TestCompact(t *testing.T) {
	b := newBench(t)
	db := b.create("alpha", `a={"v":1}`, "_design/d")
	first, err := db.Get(t.Context(), "a", couch.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	edit := &couch.Document{ID: "a", Revisions: first.Revisions, Body: couch.Body{Text: []byte("{}"), Term: []byte{104, 1, 106}}}
	if _, err := db.BulkDocs(t.Context(), func(yield func(*couch.Document, error) bool) { yield(edit, nil) }); err != nil {
		t.Fatal(err)
	}
	b.play([]exchange{
		{"POST", "/alpha/_compact", "-", 415, ""},
		{"POST", "/beta/_compact", "{}", 404, ""},
		{"POST", "/alpha/_compact", "{}", 202, ok},
		{"POST", "/alpha/_compact", "", 202, ok},
		{"POST", "/alpha/_compact/d", "{}", 202, ok},
		{"POST", "/alpha/_compact/none", "{}", 404, "…missing"},
		{"POST", "/alpha/_compact/d", "-", 415, ""},
		{"POST", "/alpha/_compact/d/more/still", "{}", 202, ok},
		{"POST", "/alpha/_compact/none/more", "{}", 404, "…missing"},
		{"GET", "/alpha/_compact", "-", 405, ""},
	})
	for strings.Contains(b.do("GET", "/alpha", "-").Body.String(), `"compact_running":true`) {
		time.Sleep(time.Millisecond)
	}
	if _, err := db.Get(t.Context(), "a", couch.GetOptions{Rev: first.Rev()}); err == nil {
		t.Error("the superseded body is still there")
	}
}

// Paths that CouchDB serves whatever is asked of them.
func TestOddPaths(t *testing.T) {
	b := newBench(t)
	b.create("alpha")
	const gone = `{"error":"gone","reason":"Temporary views are not supported in CouchDB"}`
	b.play([]exchange{
		{"GET", "/alpha/_shards", "-", 200, `{"shards":{"00000000-ffffffff":["settle@127.0.0.1"]}}`},
		{"GET", "/alpha/_shards/none", "-", 200, `{"range":"00000000-ffffffff","nodes":["settle@127.0.0.1"]}`},
		{"PUT", "/alpha/_shards/none", "{}", 405, "…Only GET"},
		{"POST", "/alpha/_temp_view", "{}", 410, gone},
		{"GET", "/alpha/_temp_view", "-", 410, gone},
		{"DELETE", "/alpha/_temp_view/x/y", "-", 410, gone},
		{"POST", "/beta/_temp_view", "{}", 404, ""},
		{"GET", "/alpha/_partition", "-", 400, "…invalid_partition_req"},
		{"PUT", "/alpha/_partition", "{}", 400, "…invalid_partition_req"},
		{"DELETE", "/alpha/_partition/", "-", 400, "…invalid_partition_req"},
	})
}

func TestDBsInfo(t *testing.T) {
	b := newBench(t)
	b.create("alpha", "a")
	b.create("beta")
	b.play([]exchange{
		{"POST", "/_dbs_info", `{"keys":["beta","none",5,"Bad Name"]}`, 200,
			`…,{"key":"none","error":"not_found"},{"key":5,"error":"not_found"},{"key":"Bad Name","error":"not_found"}]`},
		{"POST", "/_dbs_info", `{"keys":["alpha"]}`, 200, `…[{"key":"alpha","info":{"instance_start_time":"`},
		{"POST", "/_dbs_info", `{"keys":[]}`, 200, `[]`},
		{"POST", "/_dbs_info", `{"keys":"alpha"}`, 400, "…must be an array"},
		{"POST", "/_dbs_info", `{}`, 400, "…must exist"},
		{"POST", "/_dbs_info", `[]`, 400, "…JSON object"},
		{"POST", "/_dbs_info", `{"keys":`, 400, "…invalid UTF-8 JSON"},
		{"POST", "/_dbs_info", `{"keys":[` + strings.Repeat(`"a",`, 100) + `"a"]}`, 400, "…too_many_keys"},
		{"POST", "/_dbs_info", "-", 415, ""},
		{"GET", "/_dbs_info?limit=x", "-", 400, `…"query_parse_error"`},
		{"GET", "/_dbs_info?startkey=%22b%22", "-", 200, `…[{"key":"beta","info":`},
		{"GET", "/_dbs_info?startkey=%22c%22", "-", 200, `[]`},
		{"PUT", "/_dbs_info", "{}", 405, ""},
	})
	if n := strings.Count(b.do("GET", "/_dbs_info?descending=true", "-").Body.String(), `"info":`); n != 2 {
		t.Errorf("%d databases", n)
	}
}

// What changes a database is for administrators.
func TestPrivileges(t *testing.T) {
	b := newBench(t)
	b.create("alpha")
	for _, target := range []string{
		"PUT /beta", "DELETE /alpha", "GET /alpha", "PUT /alpha/_security", "PUT /alpha/_revs_limit", "GET /alpha/_all_docs",
		"POST /alpha/_compact", "GET /_dbs_info", "POST /alpha/_ensure_full_commit",
	} {
		method, path, _ := strings.Cut(target, " ")
		rec, req := httptest.NewRecorder(), httptest.NewRequest(method, path, nil)
		req.Header.Set("Anonymous", "true")
		b.handler.ServeHTTP(rec, req)
		if rec.Code != 401 {
			t.Errorf("%s: %d", target, rec.Code)
		}
	}
}
