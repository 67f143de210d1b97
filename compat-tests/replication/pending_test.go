package replication_test

import (
	"fmt"
	"testing"
)

// How many changes are left shows at every place, while they cannot be written and when
// all are.
func TestChangesPending(t *testing.T) {
	p := start(t)
	w := newWitness(t, p.URL())
	w.fails = "/_bulk_docs"
	p.must("PUT", "/x", nil, nil)
	p.must("PUT", "/y", nil, nil)
	for i := range 7 {
		p.must("PUT", fmt.Sprintf("/x/%d", i), object{}, nil)
	}
	p.must("PUT", "/_replicator/r", object{
		"source": endpoint(w.URL, "x"), "target": endpoint(w.URL, "y"), "continuous": true, "checkpoint_interval": 50,
	}, nil)
	eventually(t, "all are pending", func() bool { return pending(p) == [3]int{7, 7, 7} })
	w.mu.Lock()
	w.fails = ""
	w.mu.Unlock()
	eventually(t, "none is pending", func() bool { return pending(p) == [3]int{0, 0, 0} })
}

// pending returns the number of changes that are pending by _active_tasks and by
// _scheduler's jobs and docs; -1 where none is shown.
func pending(p *peer) [3]int {
	type info struct {
		Pending *int `json:"changes_pending"`
	}
	type row struct{ Info *info }
	var tasks []info
	var jobs struct{ Jobs []row }
	var doc row
	p.must("GET", "/_active_tasks", nil, &tasks)
	p.must("GET", "/_scheduler/jobs", nil, &jobs)
	p.must("GET", "/_scheduler/docs/_replicator/r", nil, &doc)
	shown := [3]int{-1, -1, -1}
	infos := [3]*info{1: doc.Info}
	if len(tasks) == 1 {
		infos[0] = &tasks[0]
	}
	if len(jobs.Jobs) == 1 {
		infos[2] = jobs.Jobs[0].Info
	}
	for i, told := range infos {
		if told != nil && told.Pending != nil {
			shown[i] = *told.Pending
		}
	}
	return shown
}
