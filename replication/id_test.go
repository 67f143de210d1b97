package replication_test

import (
	"testing"

	"settle/replication"
)

// The ids were seen on a CouchDB 3.5.0 of that uuid.
func TestIDsAreCouchDBs(t *testing.T) {
	const uuid = "2e54651ada1b60b8defc12871572cd2e"
	for _, tt := range []struct{ spec, want string }{
		{`{"source":{"url":"http://127.0.0.1:45984/alpha","auth":{"basic":{"username":"admin","password":"pass"}}},
		  "target":{"url":"http://127.0.0.1:45984/beta","auth":{"basic":{"username":"admin","password":"pass"}}},"continuous":true}`, "cf6ee32c0eab0f8cc89c1ea894cde762+continuous"},
		{`{"source":"http://admin:pass@127.0.0.1:45984/alpha/","target":"http://admin:other@127.0.0.1:45984/gamma"}`, "5131a95aeecdedec0dca8d1c55497e6f"},
		{`{"source":{"url":"http://127.0.0.1:45984/alpha","headers":{"Authorization":"Basic YWRtaW46cGFzcw=="}},
		  "target":"http://admin:pass@127.0.0.1:45984/gamma","create_target":true}`, "5131a95aeecdedec0dca8d1c55497e6f+create_target"},
	} {
		spec, err := replication.ParseSpec([]byte(tt.spec), replication.StandardTuning())
		if err != nil {
			t.Fatal(err)
		}
		id, err := spec.ID(t.Context(), uuid, nil)
		if got := spec.JobID(id); err != nil || got != tt.want {
			t.Errorf("got %s, %v, want %s", got, err, tt.want)
		}
	}
}

// What chooses other documents, or sends other headers, is another replication; how
// fast it goes, and the password, make no difference.
func TestIDsTellReplicationsApart(t *testing.T) {
	const ends = `"source":"http://u:p@a/x","target":"http://b/y"`
	id := func(options string) string {
		t.Helper()
		spec, err := replication.ParseSpec([]byte(`{`+ends+options+`}`), replication.StandardTuning())
		if err != nil {
			t.Fatal(err)
		}
		id, err := spec.ID(t.Context(), "u", nil)
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	seen := map[string]string{}
	for _, options := range []string{
		``, `,"doc_ids":["a"]`, `,"doc_ids":["a","b"]`, `,"doc_ids":[]`, `,"selector":{"a":1}`, `,"selector":{"a":2}`,
		`,"winning_revs_only":true`, `,"since_seq":"5-x"`, `,"filter":"_view","query_params":{"view":"a/b"}`, `,"filter":"_design"`,
	} {
		if before, ok := seen[id(options)]; ok {
			t.Errorf("%q and %q have the same id", options, before)
		}
		seen[id(options)] = options
	}
	for _, pair := range [][2]string{
		{``, `,"worker_processes":2,"checkpoint_interval":5000`},
		{`,"doc_ids":["b","a","b"]`, `,"doc_ids":["a","b"]`},
		{`,"selector":{"a":1,"b":{"d":2,"c":3}}`, `,"selector":{"b":{"c":3,"d":2},"a":1}`},
	} {
		if id(pair[0]) != id(pair[1]) {
			t.Errorf("%q and %q have different ids", pair[0], pair[1])
		}
	}
}
