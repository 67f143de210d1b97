package replication_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// `_scheduler/docs` takes a range of ids as `_all_docs` does.
func TestDocsInRange(t *testing.T) {
	p := start(t)
	for _, id := range []string{"a", "b", "c", "d"} {
		p.must("PUT", "/_replicator/"+id, object{"_replication_state": "failed"}, nil)
	}
	type listed struct {
		Total  int `json:"total_rows"`
		Offset int
		Docs   []schedulerDoc
	}
	for _, tt := range []struct {
		query  string
		want   string
		offset int
	}{
		{"", "a b c d", 0},
		{`startkey="b"`, "b c d", 1},
		{`start_key="b"&end_key="c"`, "b c", 1},
		{`startkey="b"&endkey="c"&inclusive_end=false`, "b", 1},
		{`startkey="bb"`, "c d", 2},
		{`key="c"`, "c", 2},
		{`key="x"`, "", 4},
		{`keys=["d","b"]`, "b d", 0},
		{`startkey="b"&skip=1&limit=1`, "c", 2},
		{`descending=true&startkey="c"`, "c b a", 1},
		{`descending=true&startkey="c"&endkey="b"`, "c b", 1},
		{`startkey=5`, "a b c d", 0},
		{`endkey=null`, "", 0},
		{`descending=true&startkey={}`, "", 4},
		{`skip=9`, "", 4},
		{`states=completed`, "", 0},
	} {
		var got listed
		p.must("GET", "/_scheduler/docs?"+strings.ReplaceAll(tt.query, `"`, "%22"), nil, &got)
		var ids []string
		for _, doc := range got.Docs {
			ids = append(ids, doc.ID)
		}
		if text := strings.Join(ids, " "); text != tt.want || got.Offset != tt.offset || got.Total != 4 {
			t.Errorf("%s: %q, offset %d of %d; want %q, %d", tt.query, text, got.Offset, got.Total, tt.want, tt.offset)
		}
	}
	for _, query := range []string{"startkey=x", "limit=-1", "limit=x", "descending=x", `keys=[%22a%22]&startkey=%22a%22`} {
		if status := p.ask("GET", "/_scheduler/docs?"+query, nil, nil); status != 400 {
			t.Errorf("%s: %d", query, status)
		}
	}
}

// The job of a document can be cancelled by its id. It is not begun again until the
// document changes.
func TestDocumentsJobIsCancelled(t *testing.T) {
	p := start(t)
	p.user("ann")
	p.must("PUT", "/x", nil, nil)
	p.must("PUT", "/y", nil, nil)
	task := object{"source": endpoint(p.URL(), "x"), "target": endpoint(p.URL(), "y"), "continuous": true}
	var written struct{ Rev string }
	p.must("PUT", "/_replicator/r", task, &written)
	var row struct {
		ID    *string
		State string
		Info  map[string]any
	}
	isRunning := func() bool {
		p.must("GET", "/_scheduler/docs/_replicator/r", nil, &row)
		return row.State == "running"
	}
	eventually(t, "it runs", isRunning)
	cancel := object{"cancel": true, "replication_id": *row.ID}
	if status, said := p.as("ann", "POST", "/_replicate", cancel); status != 401 {
		t.Errorf("by somebody else: %d %s", status, said)
	}
	p.must("POST", "/_replicate", cancel, nil)
	if isRunning() || row.State != "error" || row.ID != nil || row.Info["error"] == nil {
		t.Errorf("cancelled: %+v", row)
	}
	var jobs struct{ Jobs []any }
	if p.must("GET", "/_scheduler/jobs", nil, &jobs); len(jobs.Jobs) != 0 {
		t.Errorf("jobs: %v", jobs.Jobs)
	}
	if status := p.ask("POST", "/_replicate", cancel, nil); status != 404 {
		t.Errorf("cancelled twice: %d", status)
	}
	var doc map[string]any
	p.must("GET", "/_replicator/r", nil, &doc)
	if doc["_rev"] != written.Rev || !cmp.Equal(doc["_replication_state"], nil) {
		t.Errorf("the document has changed: %v", doc)
	}
	task["_rev"] = written.Rev
	p.must("PUT", "/_replicator/r", task, nil)
	eventually(t, "it runs again", isRunning)
}
