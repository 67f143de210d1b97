package node

import (
	"net/http"
	"os"
	"strconv"

	"settle/server/web"
)

// task is a row of `_active_tasks`. Times are in seconds since 1970.
type task struct {
	Node     string `json:"node"`
	PID      string `json:"pid"` // of the server: what works on a task has no id
	Type     string `json:"type"`
	Database string `json:"database"`
	Design   string `json:"design_document,omitempty"`
	Started  int64  `json:"started_on"`
	Updated  int64  `json:"updated_on"`
	Done     int64  `json:"changes_done"`
	Total    int64  `json:"total_changes"`
	Progress int    `json:"progress"` // percent
}

// activeTasks answers what goes on in the background.
func (h *handlers) activeTasks(r *web.Request) error {
	tasks := []any{}
	for _, t := range h.store.Tasks() {
		tasks = append(tasks, task{
			Node: Name, PID: strconv.Itoa(os.Getpid()),
			Type: t.Type, Database: t.Database, Design: string(t.DesignDocument), Started: t.Started.Unix(), Updated: t.Updated.Unix(),
			Done: t.Done, Total: t.Total, Progress: t.Progress(),
		})
	}
	if more, ok := h.store.(interface{ TaskRows() []any }); ok {
		tasks = append(tasks, more.TaskRows()...)
	}
	return r.WriteJSON(http.StatusOK, tasks)
}
