package couch

import (
	"cmp"
	"encoding/hex"
	"strconv"
	"strings"
)

// RevID names one revision of a document: its generation and its hash.
//
// Hash is the raw form that CouchDB keeps: 32 hexadecimal digits, in any case,
// become the 16 bytes they stand for; any other text is kept as it is. Revisions
// compare and sort by that raw form. The zero RevID means "none".
type RevID struct {
	Gen  uint64
	Hash string
}

// maxGen bounds generations so that the next one always exists.
const maxGen = 1<<53 - 1

// ParseRev reads the printed form "N-hash". The hash may be empty; one of 32
// characters is hexadecimal. The error is a BadRequest.
func ParseRev(s string) (RevID, error) {
	gen, hash, ok := strings.Cut(s, "-")
	gen = strings.TrimPrefix(gen, "+") // as Erlang reads numbers
	if !ok || gen == "" {
		return RevID{}, errInvalidRev
	}
	for i := range len(gen) {
		if gen[i] < '0' || gen[i] > '9' {
			return RevID{}, errInvalidRev
		}
	}
	n, err := strconv.ParseUint(gen, 10, 64)
	if err != nil || n > maxGen {
		return RevID{}, errInvalidRev
	}
	raw := ParseRevHash(hash)
	if !ValidRevHash(raw) {
		return RevID{}, errInvalidRev
	}
	return RevID{Gen: n, Hash: raw}, nil
}

var errInvalidRev = &Error{Kind: BadRequest, Reason: "Invalid rev format"}

// ValidRevHash reports whether a raw hash stands for itself alone: 32 characters
// that were no hexadecimal digits do not, and longer ones than MaxRevHash are refused.
func ValidRevHash(raw string) bool { return len(raw) != 32 && len(raw) <= MaxRevHash }

// ParseRevHash turns the printed form of a revision's hash into the raw one.
func ParseRevHash(s string) string {
	if len(s) == 32 {
		if raw, err := hex.DecodeString(s); err == nil {
			return string(raw)
		}
	}
	return s
}

// FormatRevHash turns the raw form of a revision's hash into the printed one.
func FormatRevHash(raw string) string {
	if len(raw) == 16 {
		return hex.EncodeToString([]byte(raw))
	}
	return raw
}

// String returns the printed form, "N-hash".
func (r RevID) String() string {
	return strconv.FormatUint(r.Gen, 10) + "-" + FormatRevHash(r.Hash)
}

// IsZero reports whether r is "none".
func (r RevID) IsZero() bool { return r == RevID{} }

// Compare orders revisions by generation, then by the raw bytes of the hash.
func (r RevID) Compare(other RevID) int {
	if c := cmp.Compare(r.Gen, other.Gen); c != 0 {
		return c
	}
	return strings.Compare(r.Hash, other.Hash)
}

// Revisions is a path in a revision tree, as in a document's `_revisions`:
// the generation of the newest revision and the raw hashes, newest first.
type Revisions struct {
	Start  uint64
	Hashes []string
}

// Rev returns the i-th revision of the path, 0 being the newest.
// It panics when i is out of range.
func (p Revisions) Rev(i int) RevID {
	return RevID{Gen: p.Start - uint64(i), Hash: p.Hashes[i]}
}

// Leaf returns the newest revision of the path, or none for an empty path.
func (p Revisions) Leaf() RevID {
	if len(p.Hashes) == 0 {
		return RevID{}
	}
	return p.Rev(0)
}

// PathTo returns the path of one revision alone, without known ancestors.
func PathTo(r RevID) Revisions {
	if r.IsZero() {
		return Revisions{}
	}
	return Revisions{Start: r.Gen, Hashes: []string{r.Hash}}
}
