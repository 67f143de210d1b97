package replicator

import (
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"settle/replication"
	"settle/replication/scheduler"
	"settle/server/node"
	"settle/server/web"
	"settle/storage/couch"
)

// info is what a replication has done, as `_scheduler` and documents tell it.
type info struct {
	Checked      int64            `json:"revisions_checked"`
	Found        int64            `json:"missing_revisions_found"`
	Read         int64            `json:"docs_read"`
	Written      int64            `json:"docs_written"`
	Pending      *int64           `json:"changes_pending"`
	Failures     int64            `json:"doc_write_failures"`
	BulkDocs     int64            `json:"bulk_get_docs"`
	BulkAttempts int64            `json:"bulk_get_attempts"`
	Checkpointed replication.Seq  `json:"checkpointed_source_seq"`
	Source       *replication.Seq `json:"source_seq,omitempty"`
	Through      *replication.Seq `json:"through_seq,omitempty"`
	StartTime    string           `json:"start_time,omitempty"`
}

func newInfo(s replication.Stats, checkpointed replication.Seq) *info {
	return &info{
		Checked: s.MissingChecked, Found: s.MissingFound, Read: s.DocsRead, Written: s.DocsWritten, Failures: s.DocWriteFailures,
		BulkDocs: s.BulkGetDocs, BulkAttempts: s.BulkGetAttempts, Checkpointed: checkpointed,
	}
}

// progressInfo is the info of a run, nil for none.
func progressInfo(p *replication.Progress) *info {
	if p == nil || p.Through == "" { // it has not come to begin
		return nil
	}
	i := newInfo(p.Stats, p.Checkpointed)
	source, through := p.Source, p.Through
	i.Source, i.Through = &source, &through
	if p.Pending >= 0 {
		i.Pending = &p.Pending
	}
	return i
}

// event is a line of a job's history.
type event struct {
	Timestamp string `json:"timestamp"`
	Type      string `json:"type"`
	Reason    string `json:"reason,omitempty"`
}

// jobRow is a row of `_scheduler/jobs`.
type jobRow struct {
	Database  *string `json:"database"`
	ID        string  `json:"id"`
	PID       *string `json:"pid"`
	Source    string  `json:"source"`
	Target    string  `json:"target"`
	User      *string `json:"user"`
	DocID     *string `json:"doc_id"`
	Info      *info   `json:"info"`
	History   []event `json:"history"`
	Node      string  `json:"node"`
	StartTime string  `json:"start_time"`
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// timestamp prints a time as `_scheduler` does.
func timestamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// pid names the process: replications have none of their own.
var pid = "<0." + strconv.Itoa(os.Getpid()) + ".0>"

// shown returns where a side of a replication is, without credentials. As in CouchDB a
// database of this server is shown by its URL here.
func (r *Replicator) shown(e *replication.Endpoint) string {
	own := r.own.Load()
	if !e.IsLocal() || own == nil {
		return e.String()
	}
	at := *own
	if at.Addr().IsUnspecified() {
		at = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), at.Port())
	}
	where := "http://" + at.String() + "/"
	if r.TLS {
		where = "https://" + at.String() + "/"
	}
	if couch.ValidateDatabaseName(e.Name) != nil {
		return where // it may be a URL gone wrong, with a password
	}
	return where + url.PathEscape(e.Name) + "/"
}

func (r *Replicator) newJobRow(s scheduler.Status) jobRow {
	row := jobRow{
		Database: optional(s.Database), ID: s.ID, Source: r.shown(&s.Spec.Source), Target: r.shown(&s.Spec.Target),
		User: optional(s.User), DocID: optional(s.DocID), Info: progressInfo(s.Progress), Node: node.Name, StartTime: timestamp(s.Added),
	}
	if s.State == scheduler.Running {
		row.PID = &pid
	}
	for _, e := range s.History {
		row.History = append(row.History, event{timestamp(e.Time), string(e.Type), e.Reason})
	}
	return row
}

// page reads which rows are wanted, and cuts a list to them.
func page[T any](q *web.Request, rows []T) ([]T, error) {
	skip, err := count(q, "skip", 0)
	if err != nil {
		return nil, err
	}
	limit, err := count(q, "limit", 100)
	if err != nil {
		return nil, err
	}
	rows = rows[min(skip, len(rows)):]
	return rows[:min(limit, len(rows))], nil
}

func count(q *web.Request, name string, otherwise int) (int, error) {
	v, given := q.Query().Lookup(name)
	if !given {
		return otherwise, nil
	}
	n, err := strconv.Atoi(v)
	if err != nil {
		return 0, couch.Errorf(couch.QueryParse, "Invalid value for integer: %q", v)
	}
	if n < 0 {
		return 0, couch.Errorf(couch.QueryParse, "Value must be at least 0: %d", n)
	}
	return n, nil
}

// listJobs answers GET /_scheduler/jobs.
func (r *Replicator) listJobs(q *web.Request) error {
	jobs := r.scheduler.Jobs()
	shown, err := page(q, jobs)
	if err != nil {
		return err
	}
	skip, _ := count(q, "skip", 0)
	rows := []jobRow{}
	for _, s := range shown {
		rows = append(rows, r.newJobRow(s))
	}
	return q.WriteJSON(http.StatusOK, struct {
		Total  int      `json:"total_rows"`
		Offset int      `json:"offset"`
		Jobs   []jobRow `json:"jobs"`
	}{len(jobs), min(skip, len(jobs)), rows})
}

// showJob answers GET /_scheduler/jobs/{id}.
func (r *Replicator) showJob(q *web.Request) error {
	// A plus sign that stands in the path as it is has been read as a space.
	status, ok := r.scheduler.Job(strings.ReplaceAll(q.Param("id"), " ", "+"))
	if !ok {
		return couch.ErrNotFound
	}
	return q.WriteJSON(http.StatusOK, r.newJobRow(status))
}

// taskRow is a row of `_active_tasks`.
type taskRow struct {
	Node               string  `json:"node"`
	PID                string  `json:"pid"`
	Type               string  `json:"type"`
	ProcessStatus      string  `json:"process_status"`
	ReplicationID      string  `json:"replication_id"`
	SourceURL          string  `json:"source"`
	Target             string  `json:"target"`
	Continuous         bool    `json:"continuous"`
	Database           *string `json:"database"`
	DocID              *string `json:"doc_id"`
	User               *string `json:"user"`
	CheckpointInterval int64   `json:"checkpoint_interval"` // milliseconds
	Started            int64   `json:"started_on"`          // seconds since 1970
	Updated            int64   `json:"updated_on"`
	*info
}

// Tasks returns the replications that run, as rows of `_active_tasks`.
func (r *Replicator) Tasks() []any {
	var rows []any
	for _, s := range r.scheduler.Jobs() {
		if s.State != scheduler.Running || s.Progress == nil {
			continue
		}
		row := r.newJobRow(s)
		rows = append(rows, taskRow{
			Node: node.Name, PID: pid, Type: "replication", ProcessStatus: "waiting", ReplicationID: s.ID,
			SourceURL: row.Source, Target: row.Target, Continuous: s.Spec.Continuous, Database: row.Database, DocID: row.DocID, User: row.User,
			CheckpointInterval: s.Spec.CheckpointInterval.Milliseconds(),
			Started:            s.Started.Unix(), Updated: time.Now().Unix(), info: row.Info,
		})
	}
	return rows
}
