package node

import (
	"fmt"
	"maps"
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"settle/server/web"
	"settle/storage/couch"
)

// counter is one number of `_stats`, as CouchDB prints it.
type counter struct {
	Value int64  `json:"value"`
	Type  string `json:"type"`
	Desc  string `json:"desc"`
}

// tree is the numbers of `_stats` by the parts of their names; the leaves are
// counters.
type tree = map[string]any

// stats returns what is counted, under CouchDB's names. Of CouchDB's numbers
// there are those that mean something here.
func (c *Counters) stats() tree {
	c.mu.Lock()
	defer c.mu.Unlock()
	methods := tree{}
	for _, method := range []string{"COPY", "DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT"} {
		methods[method] = counter{c.methods[method], "counter", "number of HTTP " + method + " requests"}
	}
	statuses := tree{}
	for status, n := range c.statuses {
		code := strconv.Itoa(status)
		statuses[code] = counter{n, "counter", "number of HTTP " + code + " responses"}
	}
	return tree{"couchdb": tree{
		"httpd":                 tree{"requests": counter{c.requests, "counter", "number of HTTP requests"}},
		"httpd_request_methods": methods,
		"httpd_status_codes":    statuses,
	}}
}

// getStats answers with the numbers, or with those below a part of their names.
func (h *handlers) getStats(r *web.Request) error {
	var found any = h.counters.stats()
	for part := range strings.SplitSeq(r.Param("*"), "/") {
		if part == "" {
			continue
		}
		branch, ok := found.(tree)
		if !ok || branch[part] == nil {
			return couch.ErrNotFound
		}
		found = branch[part]
	}
	return r.WriteJSON(http.StatusOK, found)
}

// getSystem answers what the process is like, under CouchDB's names. Queues that
// the server does not have are empty.
func (h *handlers) getSystem(r *web.Request) error {
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	type bytes struct {
		Other     uint64 `json:"other"`
		Processes uint64 `json:"processes"`
		Binary    uint64 `json:"binary"`
	}
	return r.WriteJSON(http.StatusOK, struct {
		Uptime       int64    `json:"uptime"` // seconds
		Memory       bytes    `json:"memory"`
		Collections  uint32   `json:"garbage_collection_count"`
		Processes    int      `json:"process_count"`
		RunQueue     int      `json:"run_queue"`
		OSProcesses  int      `json:"os_proc_count"`
		Stale        int      `json:"stale_proc_count"`
		Queues       struct{} `json:"message_queues"`
		Replication  int      `json:"internal_replication_jobs"`
		Distribution struct{} `json:"distribution"`
	}{
		Uptime:      int64(time.Since(h.counters.started).Seconds()),
		Memory:      bytes{memory.Sys - memory.StackInuse - memory.HeapAlloc, memory.StackInuse, memory.HeapAlloc},
		Collections: memory.NumGC, Processes: runtime.NumGoroutine(),
	})
}

// getPrometheus answers with the numbers in the text format of Prometheus 0.0.4.
func (h *handlers) getPrometheus(r *web.Request) error {
	text := h.counters.prometheus()
	head := r.Response.Header()
	head.Set("Content-Type", "text/plain; version=2.0")
	head.Set("Content-Length", strconv.Itoa(len(text)))
	r.Response.WriteHeader(http.StatusOK)
	_, err := r.Response.Write([]byte(text))
	return err
}

func (c *Counters) prometheus() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var b strings.Builder
	fmt.Fprintf(&b, "# TYPE couchdb_uptime_seconds counter\ncouchdb_uptime_seconds %d\n", int64(time.Since(c.started).Seconds()))
	fmt.Fprintf(&b, "# TYPE couchdb_httpd_requests_total counter\ncouchdb_httpd_requests_total %d\n", c.requests)
	b.WriteString("# TYPE couchdb_httpd_request_methods counter\n")
	for _, method := range slices.Sorted(maps.Keys(c.methods)) {
		fmt.Fprintf(&b, "couchdb_httpd_request_methods{method=%q} %d\n", method, c.methods[method])
	}
	b.WriteString("# TYPE couchdb_httpd_status_codes counter\n")
	for _, status := range slices.Sorted(maps.Keys(c.statuses)) {
		fmt.Fprintf(&b, "couchdb_httpd_status_codes{code=\"%d\"} %d\n", status, c.statuses[status])
	}
	return b.String()
}
