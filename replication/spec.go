package replication

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"settle/storage/couch"
)

// Spec describes a replication.
type Spec struct {
	Source, Target Endpoint

	Continuous         bool
	CreateTarget       bool
	CreateTargetParams map[string]string
	Filter             Filter
	WinningRevsOnly    bool
	SinceSeq           string // empty: from the checkpoint, or the beginning
	Deferred           bool   // contents of attachments stay at the source until they are wanted
	Tuning

	docIDs      []couch.DocID // that the id is made of
	queryParams json.RawMessage
	source      json.RawMessage // as it was given
	sourceProxy string
}

// Tuning is how a replication goes about its work, whatever it replicates.
type Tuning struct {
	NoCheckpoints      bool
	CheckpointInterval time.Duration
	UseBulkGet         bool

	Workers           int
	BatchSize         int // changes
	Connections       int // to each side
	ConnectionTimeout time.Duration
	Retries           int // of one request
}

// StandardTuning returns CouchDB's defaults, of section [replicator].
func StandardTuning() Tuning {
	return Tuning{
		CheckpointInterval: 30 * time.Second, UseBulkGet: true,
		Workers: 4, BatchSize: 500, Connections: 20,
		ConnectionTimeout: 30 * time.Second, Retries: 5,
	}
}

// ParseSpec reads a replication from JSON: the body of `_replicate`, or a document of
// `_replicator`. Members that mean nothing are ignored. Errors are Invalid.
func ParseSpec(text []byte, defaults Tuning) (*Spec, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(text, &members); err != nil || members == nil {
		return nil, &Error{Kind: Invalid, Reason: "a replication must be a JSON object", Err: errParameter}
	}
	if string(members["doc_ids"]) == "null" {
		delete(members, "doc_ids")
	}
	s := &Spec{Tuning: defaults}
	r := specReader{members: members}
	if err := r.endpoints(s); err != nil {
		return nil, err
	}
	r.options(s)
	r.filter(s)
	return s, r.err
}

// specReader reads members; err is the first thing that is wrong.
type specReader struct {
	members map[string]json.RawMessage
	err     error
}

func (r *specReader) fail(name, what string) {
	if r.err == nil {
		r.err = &Error{Kind: Invalid, Reason: fmt.Sprintf("parameter `%s` must be %s", name, what), Err: errParameter}
	}
}

// errParameter is behind the errors of single parameters.
var errParameter = couch.Errorf(couch.BadRequest, "bad parameter")

func (r *specReader) endpoints(s *Spec) error {
	source, target := r.members["source"], r.members["target"]
	if source == nil || target == nil {
		return Errorf(Invalid, "Missing replicator database")
	}
	proxy := r.text("proxy")
	sourceProxy, targetProxy := r.text("source_proxy"), r.text("target_proxy")
	if proxy != "" && (sourceProxy != "" || targetProxy != "") {
		return Errorf(Invalid, "`proxy` is mutually exclusive with `source_proxy` and `target_proxy`")
	}
	var err error
	s.source, s.sourceProxy = source, proxy+sourceProxy
	if s.Source, err = parseEndpoint(source, s.sourceProxy); err != nil {
		return err
	}
	s.Target, err = parseEndpoint(target, proxy+targetProxy)
	return err
}

func (r *specReader) options(s *Spec) {
	s.Continuous = r.flag("continuous", false)
	s.CreateTarget = r.flag("create_target", false)
	s.WinningRevsOnly = r.flag("winning_revs_only", false)
	s.NoCheckpoints = !r.flag("use_checkpoints", !s.NoCheckpoints)
	s.UseBulkGet = r.flag("use_bulk_get", s.UseBulkGet)
	switch r.text("attachments") {
	case "":
	case "deferred":
		s.Deferred = true
		if !s.Target.IsLocal() {
			r.fail("attachments", "left out where the target is another server's")
		}
	default:
		r.fail("attachments", "\"deferred\", or be left out")
	}
	s.CheckpointInterval = time.Duration(r.number("checkpoint_interval", int(s.CheckpointInterval/time.Millisecond), 1<<40)) * time.Millisecond
	s.ConnectionTimeout = time.Duration(r.number("connection_timeout", int(s.ConnectionTimeout/time.Millisecond), 1<<31)) * time.Millisecond
	s.Workers = r.number("worker_processes", s.Workers, 64)
	s.BatchSize = r.number("worker_batch_size", s.BatchSize, 10_000)
	s.Connections = r.number("http_connections", s.Connections, 1000)
	s.Retries = r.number("retries_per_request", s.Retries, 100)
	if v := r.members["create_target_params"]; v != nil {
		var params map[string]any
		if json.Unmarshal(v, &params) != nil || params == nil {
			r.fail("create_target_params", "a JSON object")
		}
		s.CreateTargetParams = make(map[string]string)
		for name, value := range params {
			s.CreateTargetParams[name] = fmt.Sprint(value)
		}
	}
	if v := r.members["since_seq"]; v != nil && json.Unmarshal(v, &s.SinceSeq) != nil {
		s.SinceSeq = string(v)
	}
}

func (r *specReader) filter(s *Spec) {
	f := &s.Filter
	r.ids(s)
	if v := r.members["selector"]; v != nil {
		if v[0] != '{' {
			r.fail("selector", "a JSON object")
		}
		f.Selector = v
	}
	f.Function = r.text("filter")
	if v := r.members["query_params"]; v != nil {
		s.queryParams = v
		var err error
		if f.Params, err = parseParams(v); err != nil {
			r.fail("query_params", "an object")
		}
	}
	r.function(f)
	if r.err == nil && (f.DocIDs != nil && f.Selector != nil || f.Function != "" && (f.DocIDs != nil || f.Selector != nil)) {
		r.err = Errorf(Invalid, "`doc_ids`,`filter`,`selector` are mutually exclusive")
	}
}

// ids reads the ids of documents. As in CouchDB they may be percent-encoded: one that can
// be read in two ways means both.
func (r *specReader) ids(s *Spec) {
	v := r.members["doc_ids"]
	if v == nil {
		return
	}
	var given []couch.DocID
	if json.Unmarshal(v, &given) != nil {
		r.fail("doc_ids", "an array")
		return
	}
	s.docIDs = make([]couch.DocID, len(given))
	for i, id := range given {
		s.docIDs[i] = couch.DocID(unquote(string(id)))
	}
	s.Filter.DocIDs = sorted(append(given, s.docIDs...))
	s.docIDs = sorted(s.docIDs)
}

func sorted(ids []couch.DocID) []couch.DocID {
	slices.Sort(ids)
	return slices.Compact(ids)
}

// unquote decodes what is percent-encoded, and leaves what is not.
func unquote(s string) string {
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '+' {
			c = ' '
		} else if c == '%' && i+2 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+3], 16, 8); err == nil {
				c, i = byte(n), i+2
			}
		}
		b = append(b, c)
	}
	return string(b)
}

// function checks the name of the filter function, if there is one.
func (r *specReader) function(f *Filter) {
	if r.members["filter"] == nil || r.err != nil {
		return
	}
	if f.Function == "_view" && !slices.ContainsFunc(f.Params, func(p Param) bool { return p.Name == "view" && isFunctionName(p.Value) }) {
		r.err = &Error{Kind: Invalid, Reason: "Invalid `view` parameter.", Err: errParameter}
	}
	if !strings.HasPrefix(f.Function, "_") && !strings.Contains(f.Function, "/") {
		r.err = Errorf(Invalid, "Invalid filter. Must match `ddocname/filtername`.")
	}
}

// isFunctionName reports whether a name is one of a design document and one of a function.
func isFunctionName(s string) bool {
	design, name, ok := strings.Cut(s, "/")
	return ok && design != "" && name != "" && !strings.Contains(name, "/")
}

// parseParams reads parameters in their order; values that are no strings stay JSON.
func parseParams(text []byte) ([]Param, error) {
	var values map[string]json.RawMessage
	if err := json.Unmarshal(text, &values); err != nil {
		return nil, err
	}
	if values == nil {
		return nil, errParameter
	}
	var params []Param
	for name, v := range values {
		var s string
		if json.Unmarshal(v, &s) != nil {
			s = string(v)
		}
		params = append(params, Param{name, s})
	}
	slices.SortFunc(params, func(a, b Param) int {
		if a.Name < b.Name {
			return -1
		}
		return 1
	})
	return params, nil
}

func (r *specReader) flag(name string, otherwise bool) bool {
	switch string(r.members[name]) {
	case "true":
		return true
	case "false":
		return false
	case "":
		return otherwise
	}
	r.fail(name, "a boolean")
	return otherwise
}

// number reads a number from 1 on, which may be given as text. A greater one than max
// stands for max.
func (r *specReader) number(name string, otherwise, max int) int {
	v := r.members[name]
	if v == nil {
		return otherwise
	}
	var n int
	var s string
	if json.Unmarshal(v, &s) == nil {
		v = json.RawMessage(s)
	}
	if json.Unmarshal(v, &n) != nil || n < 1 {
		r.fail(name, "a positive integer")
		return otherwise
	}
	return min(n, max)
}

func (r *specReader) text(name string) string {
	v := r.members[name]
	if v == nil {
		return ""
	}
	var s *string
	if json.Unmarshal(v, &s) != nil || s == nil {
		r.fail(name, "a string")
		return ""
	}
	return *s
}
