package couch

import (
	"encoding/hex"
	"time"
)

// Upload is content that arrives in parts. It becomes an attachment when a document
// is written that names it, once; until then it belongs to its owner.
type Upload struct {
	ID       BlobID
	Owner    string // a user's name
	Length   int64  // of the whole content, in bytes
	Offset   int64  // how much of it is on disk
	Expires  time.Time
	Metadata string // as the client gave it
}

// Complete reports whether the whole content has come.
func (u *Upload) Complete() bool { return u.Offset == u.Length }

// ParseBlobID reads the form that String prints; ok is false for any other.
func ParseBlobID(s string) (id BlobID, ok bool) {
	raw, err := hex.DecodeString(s)
	if err != nil || len(raw) != len(id) {
		return id, false
	}
	id = BlobID(raw)
	return id, id.String() == s
}
