package replication

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"io"

	"settle/storage/couch"
)

// Origin is a source of which single contents are fetched.
type Origin interface {
	// Attachment opens a content; encoded says that it comes as gzip output, which
	// only one does whose Deferral is Encoded. Whether it is the promised one is for the
	// caller to see, who closes it. Errors: Away and Gone.
	Attachment(ctx context.Context, d couch.Deferral) (content io.ReadCloser, encoded bool, err error)
}

// Deferrer is a Target that can leave contents at the source.
type Deferrer interface {
	// Defer leaves those contents that come neither as stubs nor otherwise at an
	// origin, which text describes to whoever fetches from there.
	Defer(ctx context.Context, id couch.OriginID, text []byte) error
}

// OriginID names the source among the origins of a target.
func (s *Spec) OriginID() couch.OriginID {
	sum := sha256.Sum256([]byte(s.Source.String()))
	return couch.OriginID(sum[:])
}

// OriginSpec returns a replication from the source, JSON, that ParseSpec reads: how the
// source is reached. It holds credentials.
func (s *Spec) OriginSpec() json.RawMessage {
	text, err := json.Marshal(struct {
		Source json.RawMessage `json:"source"`
		Target string          `json:"target"`
		Proxy  string          `json:"source_proxy,omitempty"`
	}{s.source, "origin", s.sourceProxy})
	if err != nil {
		panic("replication: " + err.Error()) // the source was read as JSON
	}
	return text
}
