package replicator

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"settle/replication/scheduler"
	"settle/server/node"
	"settle/server/viewparams"
	"settle/server/web"
	"settle/storage/couch"
)

// endedRow is a row of `_scheduler/docs` about a replication that ended.
type endedRow struct {
	Database    string          `json:"database"`
	DocID       couch.DocID     `json:"doc_id"`
	ID          *string         `json:"id"`
	Source      *string         `json:"source"`
	Target      *string         `json:"target"`
	State       string          `json:"state"`
	ErrorCount  int             `json:"error_count"`
	Info        json.RawMessage `json:"info"`
	StartTime   string          `json:"start_time"`
	LastUpdated string          `json:"last_updated"`
}

// activeRow is a row about one that goes on.
type activeRow struct {
	Database    string      `json:"database"`
	DocID       couch.DocID `json:"doc_id"`
	ID          *string     `json:"id"`
	Node        string      `json:"node"`
	State       string      `json:"state"`
	Info        any         `json:"info"`
	ErrorCount  int         `json:"error_count"`
	LastUpdated string      `json:"last_updated"`
	StartTime   string      `json:"start_time"`
	*sides                  // nil: there can be no job yet
}

// sides are those of a job.
type sides struct {
	Source      *string `json:"source"`
	Target      *string `json:"target"`
	SourceProxy *string `json:"source_proxy"`
	TargetProxy *string `json:"target_proxy"`
}

// reasonInfo is the info of a replication that fails.
type reasonInfo struct {
	Error string `json:"error"`
}

// row returns an entry's row and its state.
func (d *documents) row(e *entry) (row any, state string) {
	var source, target *string
	if e.spec != nil {
		source, target = optional(e.spec.Source.String()), optional(e.spec.Target.String())
	}
	if e.state != "" {
		ended := endedRow{Database: e.key.database, DocID: e.key.id, Source: source, Target: target, State: e.state, LastUpdated: e.updated}
		if e.state == stateFailed {
			ended.Info, _ = json.Marshal(reasonInfo{e.reason})
			ended.ErrorCount, ended.StartTime = 1, e.updated
		} else {
			told := cmp.Or(string(e.stats), "null")
			ended.Info, ended.StartTime = withoutStart([]byte(told)), startOf([]byte(told), e)
		}
		return ended, e.state
	}
	active := activeRow{
		Database: e.key.database, DocID: e.key.id, ID: optional(e.jobID), Node: node.Name,
		State: "initializing", ErrorCount: e.errors, LastUpdated: e.updated, StartTime: timestamp(e.started),
	}
	shown := &sides{source, target, optional(e.spec.Source.ShownProxy()), optional(e.spec.Target.ShownProxy())}
	if e.errors > 0 {
		active.State, active.Info = "error", reasonInfo{e.reason}
	} else {
		active.sides = shown
	}
	if status, ok := d.job(e); ok {
		active.sides = shown
		active.State, active.ErrorCount, active.LastUpdated = string(status.State), status.Failures, timestamp(status.Updated)
		switch told := progressInfo(status.Progress); {
		case status.State == scheduler.Crashing:
			active.Info = reasonInfo{status.Reason}
		case told != nil:
			active.Info = told
		}
	}
	return active, active.State
}

// startOf takes the start out of a document's stats.
func startOf(stats json.RawMessage, e *entry) string {
	var said struct {
		StartTime string `json:"start_time"`
	}
	if json.Unmarshal(stats, &said) == nil && said.StartTime != "" {
		return said.StartTime
	}
	return timestamp(e.started)
}

// withoutStart returns a document's stats as `_scheduler/docs` tells them.
func withoutStart(stats json.RawMessage) json.RawMessage {
	var told info
	if json.Unmarshal(stats, &told) != nil || told.StartTime == "" {
		return stats
	}
	told.StartTime = ""
	text, err := json.Marshal(told)
	if err != nil {
		return stats
	}
	return text
}

// docStates are the states that can be asked for.
var docStates = []string{"initializing", "error", "running", "pending", "crashing", "completed", "failed"}

func wantedStates(q *web.Request) ([]string, error) {
	text, given := q.Query().Lookup("states")
	if !given || text == "" {
		return docStates, nil
	}
	wanted := strings.Split(text, ",")
	for i, s := range wanted {
		wanted[i] = strings.ToLower(strings.TrimSpace(s))
		if !slices.Contains(docStates, wanted[i]) {
			return nil, couch.Errorf(couch.QueryParse, "States must be one or more of [%s]", strings.Join(docStates, ","))
		}
	}
	return wanted, nil
}

var errPath = couch.Errorf(couch.BadRequest, "Invalid path")

// listDocs answers GET /_scheduler/docs and /_scheduler/docs/{database}.
func (r *Replicator) listDocs(q *web.Request) error {
	name := q.Param("name")
	if name == "" {
		name = databaseName
	}
	if !IsReplicatorDatabase(name) {
		return errPath
	}
	o, err := viewparams.FromQuery(q.Query())
	if err == nil {
		err = o.CheckRange()
	}
	if err != nil {
		return err
	}
	wanted, err := wantedStates(q)
	if err != nil {
		return err
	}
	entries, err := r.docs.list(q.Context(), name)
	if err != nil {
		return err
	}
	if o.Descending {
		slices.Reverse(entries)
	}
	rows, before := r.docs.rows(entries, &o, wanted)
	shown := rows[min(o.Skip, len(rows)):]
	if o.Limit >= 0 {
		shown = shown[:min(o.Limit, len(shown))]
	}
	return q.WriteJSON(http.StatusOK, struct {
		Total  int   `json:"total_rows"`
		Offset int   `json:"offset"`
		Docs   []any `json:"docs"`
	}{len(entries), before + min(o.Skip, len(entries)-before), shown})
}

// rows returns the rows of entries in the range that are in one of the states, and how
// many entries come before the range.
func (d *documents) rows(entries []entry, o *viewparams.Params, states []string) (rows []any, before int) {
	rows = []any{}
	for i := range entries {
		e := &entries[i]
		switch {
		case o.Start != nil && position(e, o.Start, o.Descending) < 0:
			before++
			continue
		case o.End != nil && position(e, o.End, o.Descending) > 0,
			o.End != nil && o.ExclusiveEnd && position(e, o.End, o.Descending) == 0,
			o.HasKeys && !slices.ContainsFunc(o.Keys, func(k viewparams.Key) bool { return position(e, &k, false) == 0 }):
			continue
		}
		if row, state := d.row(e); slices.Contains(states, state) {
			rows = append(rows, row)
		}
	}
	return rows, before
}

// position compares an entry's id with a key, in the order of reading. A key that is no
// string lies below every id.
func position(e *entry, k *viewparams.Key, descending bool) int {
	order := 1
	if k.IsString {
		order = cmp.Compare(string(e.key.id), k.ID)
	}
	if descending {
		return -order
	}
	return order
}

// showDoc answers GET /_scheduler/docs/{database}/{document}. The database's name may
// stand there unescaped.
func (r *Replicator) showDoc(q *web.Request) error {
	name, rest := q.Param("name"), q.Param("*")
	if !IsReplicatorDatabase(name) {
		before, behind, ok := strings.Cut("/"+rest+"/", "/"+databaseName+"/")
		if !ok {
			return errPath
		}
		name, rest = name+before+"/"+databaseName, strings.TrimSuffix(behind, "/")
	}
	e, err := r.docs.find(q.Context(), docKey{name, couch.DocID(rest)})
	if err != nil {
		return err
	}
	row, _ := r.docs.row(&e)
	return q.WriteJSON(http.StatusOK, row)
}
