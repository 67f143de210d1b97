package node

import (
	"net/http"

	"settle/server/web"
	"settle/storage/couch"
)

// reshard answers how far the splitting of databases is: none has shards, so that
// there is nothing to split.
func reshard(r *web.Request) error {
	return r.WriteJSON(http.StatusOK, struct {
		State     string  `json:"state"`
		Reason    *string `json:"state_reason"`
		Completed int     `json:"completed"`
		Failed    int     `json:"failed"`
		Running   int     `json:"running"`
		Stopped   int     `json:"stopped"`
		Total     int     `json:"total"`
	}{State: "running"})
}

func reshardState(r *web.Request) error {
	return r.WriteJSON(http.StatusOK, struct {
		State  string  `json:"state"`
		Reason *string `json:"reason"`
	}{State: "running"})
}

func reshardJobs(r *web.Request) error {
	return r.WriteJSON(http.StatusOK, struct {
		Total  int      `json:"total_rows"`
		Offset int      `json:"offset"`
		Jobs   []string `json:"jobs"`
	}{Jobs: []string{}})
}

func noReshardJob(*web.Request) error { return couch.ErrNotFound }
