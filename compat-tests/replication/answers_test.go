package replication_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// replicateWith asks for a replication of x to y with options, and returns the answer.
func (p *peer) replicateWith(options object) (status int, said object) {
	p.t.Helper()
	ask := object{"source": "x", "target": "y"}
	maps.Copy(ask, options)
	status = p.ask("POST", "/_replicate", ask, &said)
	return status, said
}

// What CouchDB answers to a replication without checkpoints, and to one from a sequence on,
// each time that it is asked for.
func TestOneShotsWithoutCheckpoints(t *testing.T) {
	p := start(t)
	p.must("PUT", "/x", nil, nil)
	p.must("PUT", "/y", nil, nil)
	none := object{"use_checkpoints": false}
	if _, said := p.replicateWith(none); !cmp.Equal(said, object{"ok": true, "no_changes": true}) {
		t.Errorf("of nothing: %v", said)
	}
	p.must("PUT", "/x/a", object{}, nil)
	for range 2 {
		if _, said := p.replicateWith(none); !cmp.Equal(said, object{"ok": true, "use_checkpoints": false}) {
			t.Errorf("without checkpoints: %v", said)
		}
	}
	from := object{"since_seq": 0}
	for i := range 2 {
		_, said := p.replicateWith(from)
		if history, ok := said["history"].([]any); !ok || len(history) != i+1 || said["no_changes"] != nil {
			t.Errorf("from a sequence on, for the %d. time: %v", i+1, said)
		}
	}
	var stored struct {
		Rows []json.RawMessage
	}
	if p.must("GET", "/y/_local_docs", nil, &stored); len(stored.Rows) != 1 {
		t.Errorf("%d checkpoints are stored", len(stored.Rows))
	}
}

// Bodies that are no replications, and options that are none.
func TestBadReplications(t *testing.T) {
	p := start(t)
	for _, tt := range []struct {
		body   any
		name   string
		status int
	}{
		{json.RawMessage(`[]`), "bad_request", 400},
		{json.RawMessage(`null`), "bad_request", 400},
		{json.RawMessage(`"x"`), "bad_request", 400},
		{object{}, "invalid_replication", 400},
		{object{"source": "x"}, "invalid_replication", 400},
		{object{"source": "x", "target": "y", "cancel": "yes"}, "bad_request", 400},
		{object{"source": "x", "target": "y", "selector": nil}, "bad_request", 400},
		{object{"source": "x", "target": "y", "winning_revs_only": 1}, "bad_request", 400},
		{object{"source": "x", "target": "y", "create_target_params": []int{}}, "bad_request", 400},
		{object{"source": "x", "target": "y", "filter": "nowhere"}, "invalid_replication", 400},
		{object{"cancel": true, "id": "0123"}, "not_found", 404},
		{object{"cancel": true, "replication_id": "0123+continuous"}, "not_found", 404},
	} {
		var said struct{ Error string }
		if status := p.ask("POST", "/_replicate", tt.body, &said); status != tt.status || said.Error != tt.name {
			t.Errorf("%v: %d %s", tt.body, status, said.Error)
		}
	}
	for _, options := range []object{{"filter": "nowhere"}, {"doc_ids": 5}, {"continuous": nil}, {"proxy": "ftp://a"}, {"user_ctx": 5}} {
		doc := object{"source": "http://127.0.0.1:1/x", "target": "http://127.0.0.1:1/y"}
		maps.Copy(doc, options)
		if status := p.ask("PUT", "/_replicator/bad", doc, nil); status != 403 {
			t.Errorf("a document with %v: %d", options, status)
		}
	}
}

// A document that says that it failed is stored, whatever it asks for, and shown so.
func TestFailedDocuments(t *testing.T) {
	p := start(t)
	p.must("PUT", "/_replicator/old", object{"source": "http://127.0.0.1:1/x", "target": "http://127.0.0.1:1/y", "filter": 5, "_replication_state": "failed", "_replication_state_time": "2020-01-01T00:00:00Z", "_replication_state_reason": "so it is"}, nil)
	p.must("GET", "/_scheduler/docs/_replicator/old", nil, nil)
	var got, listed object
	p.must("GET", "/_scheduler/docs/_replicator/old", nil, &got)
	want := object{
		"database": "_replicator", "doc_id": "old", "id": nil, "source": nil, "target": nil, "state": "failed", "error_count": 1.0,
		"info": map[string]any{"error": "so it is"}, "start_time": "2020-01-01T00:00:00Z", "last_updated": "2020-01-01T00:00:00Z",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	p.must("PUT", "/_replicator/older", object{"_replication_state": "failed"}, nil)
	var backwards struct {
		Docs []struct {
			ID string `json:"doc_id"`
		}
	}
	if p.must("GET", "/_scheduler/docs?descending=true&limit=1", nil, &backwards); len(backwards.Docs) != 1 || backwards.Docs[0].ID != "older" {
		t.Errorf("%v", backwards)
	}
	if p.must("GET", "/_scheduler/docs?states=FAILED", nil, &listed); len(listed["docs"].([]any)) != 2 {
		t.Errorf("%v", listed)
	}
	if status := p.ask("GET", "/_scheduler/docs/no%2F_replicator", nil, nil); status != 404 {
		t.Errorf("of a database that is not there: %d", status)
	}
}

// members of a row of _scheduler/docs
func members(row object) []string { return slices.Sorted(maps.Keys(row)) }

// A document whose replication runs already, or whose filter cannot be read, waits in
// state error until that has changed; one that another document asks for has failed.
func TestDocumentsThatWait(t *testing.T) {
	p := start(t)
	for _, db := range []string{"x", "y"} {
		p.must("PUT", "/"+db, nil, nil)
	}
	p.must("PUT", "/x/a", object{"a": 1}, nil)
	task := object{"source": endpoint(p.URL(), "x"), "target": endpoint(p.URL(), "y"), "continuous": true}
	var began struct {
		ID string `json:"_local_id"`
	}
	p.must("POST", "/_replicate", task, &began)
	p.must("PUT", "/_replicator/same", task, nil)
	filtered := maps.Clone(task)
	filtered["filter"] = "app/good"
	p.must("PUT", "/_replicator/filtered", filtered, nil)
	for _, id := range []string{"same", "filtered"} {
		var row object
		eventually(t, id+" waits", func() bool {
			row = nil
			p.must("GET", "/_scheduler/docs/_replicator/"+id, nil, &row)
			return row["state"] == "error"
		})
		want := []string{"database", "doc_id", "error_count", "id", "info", "last_updated", "node", "start_time", "state"}
		if diff := cmp.Diff(want, members(row)); diff != "" || row["id"] != nil {
			t.Errorf("%s: %v\n%s", id, row, diff)
		}
	}
	p.must("POST", "/_replicate", object{"cancel": true, "id": began.ID}, nil)
	p.must("PUT", "/x/_design/app", object{"filters": object{"good": "function(d){return true}"}}, nil)
	for _, id := range []string{"same", "filtered"} {
		eventually(t, id+" runs", func() bool {
			var row struct{ State string }
			p.must("GET", "/_scheduler/docs/_replicator/"+id, nil, &row)
			return row.State == "running"
		})
	}
	p.must("PUT", "/_replicator/third", task, nil)
	eventually(t, "the third has failed", func() bool {
		var doc struct {
			State string `json:"_replication_state"`
		}
		p.must("GET", "/_replicator/third", nil, &doc)
		return doc.State == "failed"
	})
}

// Who asks for somebody else's replication is refused; an administrator waits for its end,
// and a continuous one that cannot begin is given up.
func TestRunningReplications(t *testing.T) {
	p := start(t)
	p.user("ann")
	p.user("bob")
	for _, db := range []string{"x", "y"} {
		p.must("PUT", "/"+db, nil, nil)
		p.must("PUT", "/"+db+"/_security", object{"members": object{"names": []string{"ann", "bob"}}}, nil)
	}
	task := object{"source": "x", "target": "y", "continuous": true}
	if status, said := p.as("ann", "POST", "/_replicate", task); status != 202 {
		t.Fatalf("%d %s", status, said)
	}
	for name, want := range map[string]int{"ann": 202, "bob": 401} {
		if status, said := p.as(name, "POST", "/_replicate", task); status != want {
			t.Errorf("%s: %d %s", name, status, said)
		}
	}
	p.must("POST", "/_replicate", task, nil)
	task["cancel"] = true
	p.must("POST", "/_replicate", task, nil)

	for i, gone := range []object{
		{"source": "nowhere", "target": "y"}, {"source": "x", "target": endpoint(p.URL(), "nowhere")}, {"source": p.URL() + "/x", "target": "y"},
	} {
		gone["continuous"] = true
		p.must("POST", "/_replicate", gone, nil)
		eventually(t, fmt.Sprint("nothing is left of ", i), func() bool {
			var jobs struct {
				Total int `json:"total_rows"`
			}
			p.must("GET", "/_scheduler/jobs", nil, &jobs)
			return jobs.Total == 0
		})
	}
}

// Databases of the server are shown by their URLs among jobs and tasks, as in CouchDB.
func TestShownSides(t *testing.T) {
	p := start(t)
	p.must("PUT", "/x%2Fy", nil, nil)
	p.must("POST", "/_replicate", object{"source": "x/y", "target": "z", "create_target": true, "continuous": true}, nil)
	type row struct{ Source, Target string }
	want := row{p.URL() + "/x%2Fy/", p.URL() + "/z/"}
	var jobs struct{ Jobs []row }
	if p.must("GET", "/_scheduler/jobs", nil, &jobs); !cmp.Equal(jobs.Jobs, []row{want}) {
		t.Errorf("jobs: %v", jobs)
	}
	eventually(t, "it is a task", func() bool {
		var tasks []row
		p.must("GET", "/_active_tasks", nil, &tasks)
		return cmp.Equal(tasks, []row{want})
	})
}

// A job that has not come to begin tells of nothing done, and whose it is.
func TestJobsOfDocuments(t *testing.T) {
	p := start(t)
	p.must("PUT", "/_replicator/r", object{
		"source": "http://127.0.0.1:1/x", "target": "http://127.0.0.1:1/y", "retries_per_request": 1, "user_ctx": object{"name": "ann", "roles": []string{}},
	}, nil)
	var row struct {
		State string
		Info  map[string]string
	}
	eventually(t, "it has failed once", func() bool {
		p.must("GET", "/_scheduler/docs/_replicator/r", nil, &row)
		return row.State == "crashing" && row.Info["error"] != ""
	})
	var jobs struct {
		Jobs []struct {
			User    string
			Info    *object
			History []struct{ Type, Reason string }
		}
	}
	p.must("GET", "/_scheduler/jobs", nil, &jobs)
	if len(jobs.Jobs) != 1 || jobs.Jobs[0].User != "ann" || jobs.Jobs[0].Info != nil || jobs.Jobs[0].History[0].Reason == "" {
		t.Errorf("%+v", jobs)
	}
}
