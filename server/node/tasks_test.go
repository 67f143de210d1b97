package node_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"settle/storage/couch"
)

func TestActiveTasks(t *testing.T) {
	s := &store{tasks: []couch.Task{
		{Type: couch.TaskCompaction, Database: "alpha", Started: time.Unix(100, 5), Updated: time.Unix(107, 0), Done: 30, Total: 40},
		{Type: couch.TaskCompaction, Database: "beta", Started: time.Unix(101, 0), Updated: time.Unix(101, 0)},
	}}
	h, _ := serve(t, s)
	res, body := get(t, h, "/_active_tasks")
	var got []map[string]any
	if err := json.Unmarshal([]byte(body), &got); err != nil || res.StatusCode != 200 {
		t.Fatal(res.StatusCode, body, err)
	}
	for _, row := range got {
		if pid, ok := row["pid"].(string); !ok || pid == "" {
			t.Errorf("pid %v", row["pid"])
		}
		delete(row, "pid")
	}
	want := []map[string]any{
		{
			"node": "settle@127.0.0.1", "type": "database_compaction", "database": "alpha",
			"started_on": 100.0, "updated_on": 107.0, "changes_done": 30.0, "total_changes": 40.0, "progress": 75.0,
		},
		{
			"node": "settle@127.0.0.1", "type": "database_compaction", "database": "beta",
			"started_on": 101.0, "updated_on": 101.0, "changes_done": 0.0, "total_changes": 0.0, "progress": 0.0,
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
