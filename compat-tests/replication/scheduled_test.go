package replication_test

import (
	"fmt"
	"sync"
	"testing"
)

// schedulerDoc is a row of _scheduler/docs.
type schedulerDoc struct {
	ID     string  `json:"doc_id"`
	Source *string `json:"source"`
	State  string  `json:"state"`
}

// Who has written a replication document finds it with the scheduler at once, among all
// and alone, and who has deleted it does not find it any more.
func TestSchedulerKnowsWhatWasWritten(t *testing.T) {
	p := start(t)
	var clients sync.WaitGroup
	for client := range 4 {
		clients.Go(func() {
			for i := range 8 {
				scheduleOne(t, p, fmt.Sprintf("r-%d-%d", client, i))
			}
		})
	}
	clients.Wait()
}

// scheduleOne writes a document, edits and deletes it, and looks for it in between.
func scheduleOne(t *testing.T, p *peer, id string) {
	path, at := "/_replicator/"+id, "/_scheduler/docs/_replicator/"+id
	source := p.URL() + "/no-" + id + "/"
	doc := object{"source": source, "target": p.URL() + "/nowhere", "continuous": true}
	var written struct{ Rev string }
	p.must("PUT", path, doc, &written)
	expectScheduled(t, p, id, source, "after the PUT")

	doc["_rev"], doc["source"] = written.Rev, source+"other"
	p.must("PUT", path, doc, &written)
	expectScheduled(t, p, id, source+"other/", "after the edit")

	p.must("DELETE", path+"?rev="+written.Rev, nil, nil)
	if status := p.ask("GET", at, nil, nil); status != 404 {
		t.Errorf("%s after the DELETE: %d", id, status)
	}
	if row := listed(p, id); row != nil {
		t.Errorf("%s after the DELETE: %v", id, row)
	}
}

func expectScheduled(t *testing.T, p *peer, id, source, when string) {
	var alone schedulerDoc
	status := p.ask("GET", "/_scheduler/docs/_replicator/"+id, nil, &alone)
	if status != 200 || alone.Source == nil || *alone.Source != source {
		t.Errorf("%s %s: %d %v", id, when, status, alone)
	}
	if row := listed(p, id); row == nil || row.Source == nil || *row.Source != source {
		t.Errorf("%s %s, among all: %v", id, when, row)
	}
}

// listed returns the row of a document among all, or nil.
func listed(p *peer, id string) *schedulerDoc {
	var all struct{ Docs []schedulerDoc }
	p.ask("GET", "/_scheduler/docs?limit=1000", nil, &all)
	for _, row := range all.Docs {
		if row.ID == id {
			return &row
		}
	}
	return nil
}
