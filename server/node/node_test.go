package node_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"settle/server/auth"
	"settle/server/config"
	"settle/server/node"
	"settle/server/web"
	"settle/storage"
	"settle/storage/couch"
)

// store is a store of names and settings.
type store struct {
	names    []string
	tasks    []couch.Task
	settings map[string][]byte
	asked    storage.NameRange
}

func (s *store) UUID() string { return "00112233445566778899aabbccddeeff" }

func (s *store) Tasks() []couch.Task { return s.tasks }

func (s *store) Databases(_ context.Context, o storage.NameRange) iter.Seq2[string, error] {
	s.asked = o
	return func(yield func(string, error) bool) {
		for _, name := range s.names {
			if !yield(name, nil) {
				return
			}
		}
	}
}

func (s *store) Setting(_ context.Context, key string) ([]byte, error) { return s.settings[key], nil }

func (s *store) SetSetting(_ context.Context, key string, value []byte) error {
	s.settings[key] = value
	return nil
}

// serve returns the node's endpoints, for an administrator, over a store.
func serve(t *testing.T, s *store) (http.Handler, *config.Config) {
	t.Helper()
	s.settings = map[string][]byte{}
	conf, err := config.Open(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return web.NewHandler(web.Options{
		Authenticate: func(*http.Request) (auth.Session, error) {
			return auth.Session{User: couch.UserCtx{Name: "admin", Roles: []string{couch.AdminRole}}}, nil
		},
		Limits: conf.Limits,
		Logger: slog.New(slog.DiscardHandler),
	}, node.Routes(s, conf, &admins{}, node.NewCounters())), conf
}

func get(t *testing.T, h http.Handler, target string) (*http.Response, string) {
	t.Helper()
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, httptest.NewRequest("GET", target, nil))
	body, err := io.ReadAll(rec.Result().Body)
	if err != nil {
		t.Fatal(err)
	}
	return rec.Result(), string(body)
}

func TestAnswers(t *testing.T) {
	h, _ := serve(t, &store{names: []string{"alpha", `a"b`}})
	tests := []struct {
		target string
		status int
		body   string
	}{
		{"/", 200, `{"couchdb":"Welcome","version":"3.5.0","git_sha":"11f0d36","uuid":"00112233445566778899aabbccddeeff","features":["quickjs","access-ready","partitioned","pluggable-storage-engines","reshard","scheduler"],"vendor":{"name":"The Apache Software Foundation"}}`},
		{"/_up", 200, `{"status":"ok","seeds":{}}`},
		{"/_up/x", 200, `{"status":"ok","seeds":{}}`},
		{"/_all_dbs", 200, `["alpha","a\"b"]`},
		{"/_active_tasks", 200, `[]`},
		{"/_membership", 200, `{"all_nodes":["settle@127.0.0.1"],"cluster_nodes":["settle@127.0.0.1"]}`},
		{"/_cluster_setup", 200, `{"state":"single_node_enabled"}`},
		{"/_reshard/jobs", 200, `{"total_rows":0,"offset":0,"jobs":[]}`},
		{"/_node/_local", 200, `{"name":"settle@127.0.0.1"}`},
		{"/_node/settle@127.0.0.1", 200, `{"name":"settle@127.0.0.1"}`},
		{"/_node/none@nowhere", 404, `{"error":"not_found","reason":"no such node: none@nowhere"}`},
		{"/_node/none@nowhere/x", 404, `{"error":"not_found","reason":"no such node: none@nowhere"}`},
		{"/_node", 400, `{"error":"bad_request","reason":"Incomplete path to _node request"}`},
		{"/_node/_local/db", 404, `{"error":"not_found","reason":"Database does not exist."}`},
		{"/_uuids?count=0", 200, `{"uuids":[]}`},
		{"/_uuids?count=1001", 400, `{"error":"bad_request","reason":"count parameter too large"}`},
		{"/_uuids?count=", 400, `{"error":"bad_request","reason":"count must be a positive integer"}`},
		{"/_uuids?count=-1", 400, `{"error":"bad_request","reason":"count must be a positive integer"}`},
		{"/_uuids?count=2.5", 400, `{"error":"bad_request","reason":"count must be a positive integer"}`},
		{"/_reshard", 200, `{"state":"running","state_reason":null,"completed":0,"failed":0,"running":0,"stopped":0,"total":0}`},
		{"/_reshard/state", 200, `{"state":"running","reason":null}`},
		{"/_reshard/jobs/x", 404, `{"error":"not_found","reason":"missing"}`},
		{"/_reshard/jobs/x/state", 404, `{"error":"not_found","reason":"missing"}`},
		{"/_all_dbs?limit=-1", 400, `{"error":"query_parse_error","reason":"Invalid value for positive integer: \"-1\""}`},
		{"/_all_dbs?limit=abc", 400, `{"error":"query_parse_error","reason":"Invalid value for integer: \"abc\""}`},
		{"/_all_dbs?descending=maybe", 400, `{"error":"query_parse_error","reason":"Invalid boolean parameter: \"maybe\""}`},
		{"/_all_dbs?startkey=alpha", 400, `{"error":"bad_request","reason":"invalid UTF-8 JSON"}`},
		{"/_all_dbs?include_docs=maybe", 400, `{"error":"query_parse_error","reason":"Invalid boolean parameter: \"maybe\""}`},
		{"/_all_dbs?stale=maybe", 400, "{\"error\":\"query_parse_error\",\"reason\":\"Invalid value for `stale`.\"}"},
		{"/_all_dbs?keys=[]", 400, "{\"error\":\"query_parse_error\",\"reason\":\"`keys` is not supported for lists of databases\"}"},
	}
	for _, tt := range tests {
		res, body := get(t, h, tt.target)
		if res.StatusCode != tt.status || body != tt.body+"\n" {
			t.Errorf("%s: %d %s, want %d %s", tt.target, res.StatusCode, body, tt.status, tt.body)
		}
	}
}

// TestAnyMethod asks for what CouchDB answers whatever the method is.
func TestAnyMethod(t *testing.T) {
	h, _ := serve(t, &store{})
	for target, want := range map[string]string{
		"/_node":              `400 {"error":"bad_request","reason":"Incomplete path to _node request"}`,
		"/_node/_local":       `200 {"name":"settle@127.0.0.1"}`,
		"/_node/none@nowhere": `404 {"error":"not_found","reason":"no such node: none@nowhere"}`,
	} {
		for _, method := range []string{"GET", "POST", "PUT", "DELETE", "COPY"} {
			rec := httptest.NewRecorder()
			h.ServeHTTP(rec, httptest.NewRequest(method, target, nil))
			if got := fmt.Sprintf("%d %s", rec.Code, rec.Body); got != want+"\n" {
				t.Errorf("%s %s: %s", method, target, got)
			}
		}
	}
}

func TestReloadQueryServers(t *testing.T) {
	h, _ := serve(t, &store{})
	for contentType, want := range map[string]int{"application/json": 200, "text/plain": 415} {
		req := httptest.NewRequest("POST", "/_reload_query_servers", nil)
		req.Header.Set("Content-Type", contentType)
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, req)
		if rec.Code != want {
			t.Errorf("%s: %d %s", contentType, rec.Code, rec.Body)
		}
	}
	if res, _ := get(t, h, "/_reload_query_servers"); res.StatusCode != 405 || res.Header.Get("Allow") != "POST" {
		t.Errorf("GET: %d %s", res.StatusCode, res.Header.Get("Allow"))
	}
}

func TestVersions(t *testing.T) {
	h, _ := serve(t, &store{})
	_, body := get(t, h, "/_node/_local/_versions")
	var got struct {
		JavaScript struct{ Name string } `json:"javascript_engine"`
		Erlang     struct {
			Version string
			Hashes  []string `json:"supported_hashes"`
		}
		Collation struct {
			Name      string
			Library   string `json:"library_version"`
			Algorithm string `json:"collation_algorithm_version"`
			Collator  string `json:"collator_version"`
		} `json:"collation_driver"`
	}
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatal(err)
	}
	c := got.Collation
	for name, value := range map[string]string{
		"engine": got.JavaScript.Name, "version": got.Erlang.Version, "hashes": strings.Join(got.Erlang.Hashes, ","),
		"driver": c.Name, "library": c.Library, "algorithm": c.Algorithm, "collator": c.Collator,
	} {
		if value == "" {
			t.Errorf("no %s in %s", name, body)
		}
	}
}

func TestClusterSetup(t *testing.T) {
	h, _ := serve(t, &store{})
	for body, want := range map[string]string{
		`{"action":"enable_single_node","username":"admin","password":"x"}`: "Cluster is already finished",
		`{"action":"nonsense"}`: "Invalid Action'",
		`{"action":5}`:          "`action` has the wrong type",
		`[]`:                    "Request body must be a JSON object",
		``:                      "invalid UTF-8 JSON",
	} {
		req := httptest.NewRequest("POST", "/_cluster_setup", strings.NewReader(body))
		req.Header.Set("Content-Type", "application/json")
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, req)
		if rec.Code != 400 || rec.Body.String() != `{"error":"bad_request","reason":"`+want+"\"}\n" {
			t.Errorf("%s: %d %s", body, rec.Code, rec.Body)
		}
	}
}

func TestAllDBsRange(t *testing.T) {
	a, z, k := "a", "z", "k"
	tests := []struct {
		query string
		want  storage.NameRange
	}{
		{"", storage.NameRange{Limit: -1}},
		{`startkey="a"&endkey="z"`, storage.NameRange{Start: &a, End: &z, Limit: -1}},
		{`start_key="a"&end_key="z"&inclusive_end=false`, storage.NameRange{Start: &a, End: &z, ExclusiveEnd: true, Limit: -1}},
		{`key="k"&limit=0&skip=3`, storage.NameRange{Start: &k, End: &k, Skip: 3}},
		{`descending=TRUE&startkey="z"&limit=7`, storage.NameRange{Start: &z, Descending: true, Limit: 7}},
		{"startkey=null&nonsense=1", storage.NameRange{Limit: -1}},
		{"startkey=5", storage.NameRange{Limit: -1}},
		{`startkey={}&endkey="z"`, storage.NameRange{End: &z, Limit: -1}},
		{"endkey=5", storage.NameRange{}},
		{"key=null", storage.NameRange{}},
		{"startkey=[]&descending=true", storage.NameRange{Descending: true}},
		{"endkey=[]&descending=true", storage.NameRange{Descending: true, Limit: -1}},
	}
	for _, tt := range tests {
		s := &store{}
		h, _ := serve(t, s)
		if res, body := get(t, h, "/_all_dbs?"+tt.query); res.StatusCode != 200 {
			t.Errorf("%s: %d %s", tt.query, res.StatusCode, body)
		}
		if diff := cmp.Diff(tt.want, s.asked); diff != "" {
			t.Errorf("%s: %s", tt.query, diff)
		}
	}
}

func TestAllDBsETag(t *testing.T) {
	s := &store{names: []string{"alpha"}}
	h, _ := serve(t, s)
	first, _ := get(t, h, "/_all_dbs")
	tag := first.Header.Get("ETag")
	req := httptest.NewRequest("GET", "/_all_dbs", nil)
	req.Header.Set("If-None-Match", tag)
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, req)
	if tag == "" || rec.Code != 304 || rec.Body.Len() != 0 {
		t.Errorf("with its own tag %s: %d %s", tag, rec.Code, rec.Body)
	}
	s.names = append(s.names, "beta")
	if second, _ := get(t, h, "/_all_dbs"); second.Header.Get("ETag") == tag {
		t.Error("the tag stays when the list changes")
	}
}

func TestLongAllDBs(t *testing.T) {
	s := &store{}
	for i := range 20_000 {
		s.names = append(s.names, strings.Repeat("n", i%50+1))
	}
	h, _ := serve(t, s)
	_, body := get(t, h, "/_all_dbs")
	var names []string
	if err := json.Unmarshal([]byte(body), &names); err != nil || !slices.Equal(names, s.names) {
		t.Errorf("a list of %d names came back with %d: %v", len(s.names), len(names), err)
	}
}

func TestUUIDs(t *testing.T) {
	h, conf := serve(t, &store{})
	for _, algorithm := range []string{"sequential", "random", "utc_random", "utc_id"} {
		set := func(id config.ID, value string) {
			if _, err := conf.Set(t.Context(), id, value, true); err != nil {
				t.Fatal(err)
			}
		}
		set(config.UUIDAlgorithm, algorithm)
		set(config.UUIDUTCSuffix, "aabbccddeeff001122")
		_, body := get(t, h, "/_uuids?count=1000")
		var got struct{ UUIDs []string }
		if err := json.Unmarshal([]byte(body), &got); err != nil {
			t.Fatal(err)
		}
		for _, id := range got.UUIDs {
			if len(id) != 32 || strings.Trim(id, "0123456789abcdef") != "" {
				t.Errorf("%s: %q is no uuid", algorithm, id)
			}
		}
		ordered := slices.IsSorted(got.UUIDs)
		distinct := len(slices.Compact(slices.Sorted(slices.Values(got.UUIDs))))
		if len(got.UUIDs) != 1000 || distinct != 1000 && algorithm != "utc_id" {
			t.Errorf("%s: %d ids, %d of them distinct", algorithm, len(got.UUIDs), distinct)
		}
		if ordered != (algorithm == "sequential" || algorithm == "utc_id") && algorithm != "utc_random" {
			t.Errorf("%s: ids in order: %v", algorithm, ordered)
		}
	}
}

func TestMaintenance(t *testing.T) {
	h, conf := serve(t, &store{})
	for mode, want := range map[string]string{
		"true": `{"status":"maintenance_mode"}`, "nolb": `{"status":"nolb"}`, "false": `{"status":"ok","seeds":{}}`,
	} {
		if _, err := conf.Set(t.Context(), config.MaintenanceMode, mode, false); err != nil {
			t.Fatal(err)
		}
		res, body := get(t, h, "/_up")
		if body != want+"\n" || (res.StatusCode == 200) != (mode == "false") {
			t.Errorf("%s: %d %s", mode, res.StatusCode, body)
		}
	}
}
