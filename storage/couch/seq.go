package couch

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"strconv"
	"strings"
)

// Seq is the number of an update of a database; it grows by one per update.
type Seq uint64

// Incarnation tells one creation, restore or import of a database from every other.
type Incarnation [8]byte

// The token of a printed sequence: version, incarnation, check.
const (
	seqVersion   = 1
	seqTokenSize = 1 + 8 + 4
)

// ErrMalformedSeq says that a sequence is none that a server ever printed.
var ErrMalformedSeq = &Error{Kind: BadRequest, Reason: "Malformed sequence supplied in 'since' parameter."}

// FormatSeq prints a sequence as "N-<token>", safe in a URL. The token is the
// base64url form of version (1 byte), incarnation (8) and the first 4 bytes of
// SHA-256(version, incarnation, N as 8 bytes big-endian).
func FormatSeq(n Seq, inc Incarnation) string {
	token := seqToken(n, inc)
	return strconv.FormatUint(uint64(n), 10) + "-" + base64.RawURLEncoding.EncodeToString(token[:])
}

func seqToken(n Seq, inc Incarnation) [seqTokenSize]byte {
	var in [1 + 8 + 8]byte
	in[0] = seqVersion
	copy(in[1:], inc[:])
	binary.BigEndian.PutUint64(in[9:], uint64(n))
	sum := sha256.Sum256(in[:])
	var token [seqTokenSize]byte
	copy(token[:], in[:9])
	copy(token[9:], sum[:])
	return token
}

// ParseSeq reads a printed sequence, with or without JSON quotes around it, for
// the database incarnation inc whose newest sequence is last.
//
// A sequence of another incarnation, one beyond last, and one that CouchDB
// itself printed ("N-g1AAAA…", "N-g2wAAAA…") are 0: the client starts over.
// "0" is 0. Anything else is ErrMalformedSeq. "now" is not for this function.
func ParseSeq(s string, inc Incarnation, last Seq) (Seq, error) {
	n, given, err := decodeSeq(s)
	if err != nil || given != inc || n > last {
		return 0, err
	}
	return n, nil
}

// IsAhead reports whether s is a sequence that the database incarnation inc has
// printed, but has not reached: the store was put back to an earlier state.
func IsAhead(s string, inc Incarnation, last Seq) bool {
	n, given, err := decodeSeq(s)
	return err == nil && given == inc && n > last
}

// decodeSeq reads a printed sequence. One that CouchDB has printed, and "0",
// have no incarnation and are 0.
func decodeSeq(s string) (Seq, Incarnation, error) {
	if s == "0" { // which CouchDB does not take in quotes
		return 0, Incarnation{}, nil
	}
	if len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"' {
		s = s[1 : len(s)-1]
	}
	num, token, ok := strings.Cut(s, "-")
	n, err := strconv.ParseUint(num, 10, 64)
	if !ok || err != nil || strconv.FormatUint(n, 10) != num {
		return 0, Incarnation{}, ErrMalformedSeq
	}
	if isCouchDBToken(token) {
		return 0, Incarnation{}, nil
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(raw) != seqTokenSize || raw[0] != seqVersion {
		return 0, Incarnation{}, ErrMalformedSeq
	}
	given := Incarnation(raw[1:9])
	if [seqTokenSize]byte(raw) != seqToken(Seq(n), given) {
		return 0, Incarnation{}, ErrMalformedSeq
	}
	return Seq(n), given, nil
}

// isCouchDBToken reports whether a token is base64url of an Erlang external
// term: a compressed one (bytes 131, 80) or a plain list (131, 108).
func isCouchDBToken(token string) bool {
	if !strings.HasPrefix(token, "g1AAAA") && !strings.HasPrefix(token, "g2wAAAA") {
		return false
	}
	for i := range len(token) {
		c := token[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '=') {
			return false
		}
	}
	return true
}
