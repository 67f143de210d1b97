package replication

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"time"
)

// maxHistory is how many sessions a checkpoint tells of.
const maxHistory = 50

// Checkpoint says how far replications of one id have come. It is CouchDB's document
// of the same members.
type Checkpoint struct {
	SessionID string    `json:"session_id"`
	LastSeq   Seq       `json:"source_last_seq"`
	Version   int       `json:"replication_id_version"`
	History   []Session `json:"history"`
	*Totals             // of replications by document ids

	// Rev is that of the document it was read from or written to; empty: there is none.
	Rev string `json:"-"`
}

// Totals repeat what the last session did where CouchDB's old replicator told it.
type Totals struct {
	StartTime        string `json:"start_time"`
	EndTime          string `json:"end_time"`
	DocsRead         int64  `json:"docs_read"`
	DocsWritten      int64  `json:"docs_written"`
	DocWriteFailures int64  `json:"doc_write_failures"`
}

// Session is what one run of a replication did. The numbers count those of the
// sessions before it, too.
type Session struct {
	SessionID string `json:"session_id"`
	StartTime string `json:"start_time"` // RFC 1123
	EndTime   string `json:"end_time"`
	StartSeq  Seq    `json:"start_last_seq"`
	EndSeq    Seq    `json:"end_last_seq"`
	Recorded  Seq    `json:"recorded_seq"`
	Stats
}

// Stats count what a replication does.
type Stats struct {
	MissingChecked   int64 `json:"missing_checked"`
	MissingFound     int64 `json:"missing_found"`
	DocsRead         int64 `json:"docs_read"`
	DocsWritten      int64 `json:"docs_written"`
	DocWriteFailures int64 `json:"doc_write_failures"`
	BulkGetDocs      int64 `json:"bulk_get_docs"`
	BulkGetAttempts  int64 `json:"bulk_get_attempts"`
}

// add returns the sum.
func (s Stats) add(o Stats) Stats {
	return Stats{
		s.MissingChecked + o.MissingChecked, s.MissingFound + o.MissingFound, s.DocsRead + o.DocsRead, s.DocsWritten + o.DocsWritten,
		s.DocWriteFailures + o.DocWriteFailures, s.BulkGetDocs + o.BulkGetDocs, s.BulkGetAttempts + o.BulkGetAttempts,
	}
}

// Seq is a sequence as the source printed it. The beginning, "0", is a number in
// JSON, as CouchDB writes it; sources with numbers for sequences have numbers.
type Seq string

// MarshalJSON writes the sequence.
func (s Seq) MarshalJSON() ([]byte, error) {
	if s == "" {
		s = "0"
	}
	if isNumber(string(s)) {
		return []byte(s), nil
	}
	return json.Marshal(string(s))
}

// UnmarshalJSON reads a string, or any other value as its text.
func (s *Seq) UnmarshalJSON(text []byte) error {
	var v string
	if json.Unmarshal(text, &v) != nil {
		v = string(text)
	}
	*s = Seq(v)
	return nil
}

func isNumber(s string) bool {
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return s != "" && (s == "0" || s[0] != '0') && len(s) < 19
}

// ParseCheckpoint reads a checkpoint's document. One that is none says nothing, but is there.
func ParseCheckpoint(text []byte) *Checkpoint {
	var c Checkpoint
	var rev struct {
		Rev string `json:"_rev"`
	}
	if json.Unmarshal(text, &c) != nil {
		c = Checkpoint{}
	}
	if json.Unmarshal(text, &rev) == nil {
		c.Rev = rev.Rev
	}
	return &c
}

// Body returns the document's members, but for those with an underscore.
func (c *Checkpoint) Body() ([]byte, error) { return json.Marshal(c) }

// resumeFrom compares the two sides' checkpoints and returns where to go on, and the
// sessions so far: where both tell of the same last session at its end, else at the
// newest session that both know. It is CouchDB's compare_replication_logs.
func resumeFrom(source, target *Checkpoint) (Seq, []Session) {
	if source == nil || target == nil {
		return "0", nil
	}
	if source.SessionID == target.SessionID && source.SessionID != "" {
		return source.LastSeq, source.History
	}
	rest, others := source.History, target.History
	for len(rest) > 0 && len(others) > 0 {
		if i := findSession(others, rest[0].SessionID); i >= 0 {
			return rest[0].Recorded, rest
		}
		if i := findSession(rest[1:], others[0].SessionID); i >= 0 {
			return others[0].Recorded, others
		}
		rest, others = rest[1:], others[1:]
	}
	return "0", nil
}

func findSession(history []Session, id string) int {
	for i, s := range history {
		if s.SessionID == id {
			return i
		}
	}
	return -1
}

// newSessionID returns 32 random hexadecimal digits.
func newSessionID() string {
	var b [16]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// httpTime prints a time as checkpoints have it.
func httpTime(t time.Time) string { return t.UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT") }
