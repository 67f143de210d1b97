package replication

import (
	"context"
	"crypto/sha256"
	"encoding/json"

	"settle/storage/couch"
)

// Origin is a source of which single contents are fetched.
type Origin interface {
	// Attachment opens a content. Errors: Away and Gone.
	Attachment(ctx context.Context, d couch.Deferral) (couch.Incoming, error)
}

// OriginText is how an origin is reached, for whoever fetches from there.
type OriginText struct {
	ID   couch.OriginID
	Text []byte
}

// Deferrer is a Target that can leave contents at the source.
type Deferrer interface {
	// Defer leaves those contents that come neither as stubs nor otherwise at an
	// origin, which text describes to whoever fetches from there.
	Defer(ctx context.Context, id couch.OriginID, text []byte) error
}

// OriginID names the source among the origins of a target: where it is, how it is
// reached, as whom, and by which of this server's users. Only passwords may be others.
func (s *Spec) OriginID(user string) couch.OriginID {
	e := &s.Source
	text, err := json.Marshal([]any{user, e.String(), e.User, e.Headers, e.ShownProxy()})
	if err != nil {
		panic("replication: " + err.Error()) // it is all text
	}
	sum := sha256.Sum256(text)
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
