package replicator

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"settle/replication"
	"settle/storage/couch"
	"settle/storage/docjson"
)

// databaseName is the replicator database that is always there.
const databaseName = "_replicator"

// IsReplicatorDatabase reports whether documents of a database ask for replications.
func IsReplicatorDatabase(name string) bool {
	return name == databaseName || strings.HasSuffix(name, "/"+databaseName)
}

// The states that a document says itself.
const (
	stateCompleted = "completed"
	stateFailed    = "failed"
)

// document is what of a replication document counts beside the replication.
type document struct {
	State     string          `json:"_replication_state"`
	StateTime string          `json:"_replication_state_time"`
	Reason    string          `json:"_replication_state_reason"`
	Stats     json.RawMessage `json:"_replication_stats"`
	Owner     string          `json:"owner"`
	UserCtx   *userCtx        `json:"user_ctx"`
}

// userCtx is whose rights a replication has; a document without one is an
// administrator's, for the server gives one to everybody else's.
type userCtx struct {
	Name  string   `json:"name"`
	Roles []string `json:"roles"`
}

func (u *userCtx) user() couch.UserCtx {
	if u == nil {
		return couch.UserCtx{Roles: []string{couch.AdminRole}}
	}
	return couch.UserCtx{Name: u.Name, Roles: u.Roles}
}

// errLocal is CouchDB's refusal of names instead of URLs.
var errLocal = replication.Errorf(replication.Invalid, "local_endpoints_not_supported")

// parseDocument reads a replication document. The error says why it is none.
func parseDocument(body []byte, defaults replication.Tuning) (document, *replication.Spec, error) {
	var d document
	if err := json.Unmarshal(body, &d); err != nil {
		return d, nil, replication.Errorf(replication.Invalid, "the replication document is malformed")
	}
	spec, err := replication.ParseSpec(body, defaults)
	if err != nil {
		return d, nil, err
	}
	if spec.Source.IsLocal() || spec.Target.IsLocal() {
		return d, nil, errLocal
	}
	return d, spec, nil
}

// member is one to set in a document's body; a nil value takes it out.
type member struct {
	name  string
	value any
}

// withMembers returns a body in which members are set, behind the others.
func withMembers(body []byte, set ...member) (couch.Body, error) {
	var out bytes.Buffer
	out.WriteByte('{')
	put := func(name string, value []byte) {
		if out.Len() > 1 {
			out.WriteByte(',')
		}
		out.Write(docjson.AppendString(nil, name))
		out.WriteByte(':')
		out.Write(value)
	}
	r := docjson.NewReader(bytes.NewReader(body))
	for name, err := range r.Members() {
		if err != nil {
			return couch.Body{}, err
		}
		value, err := r.Value()
		if err != nil {
			return couch.Body{}, err
		}
		if !slices.ContainsFunc(set, func(m member) bool { return m.name == name }) {
			put(name, value)
		}
	}
	for _, m := range set {
		if m.value == nil {
			continue
		}
		value, err := json.Marshal(m.value)
		if err != nil {
			return couch.Body{}, err
		}
		put(m.name, value)
	}
	out.WriteByte('}')
	parsed, err := docjson.NewReader(&out).Document(docjson.Options{})
	if err != nil {
		return couch.Body{}, err
	}
	return parsed.Body, nil
}

// stateMembers are what a document says of its replication's end.
func stateMembers(state, reason string, stats *info) []member {
	set := []member{{"_replication_state", state}, {"_replication_state_time", timestamp(time.Now())}, {"_replication_state_reason", nil}, {"_replication_stats", nil}}
	if reason != "" {
		set[2].value = reason
	}
	if stats != nil {
		set[3].value = stats
	}
	return set
}
