package multipart

import (
	"crypto/rand"
	"encoding/hex"
	"strings"

	"settle/storage/couch"
)

// maxBoundary is more than any client uses; RFC 2046 allows 70 bytes.
const maxBoundary = 256

// NewBoundary returns a random boundary of 32 hexadecimal digits, the form that
// CouchDB uses.
func NewBoundary() string {
	var b [16]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// ContentType returns the Content-Type of a multipart body, with the boundary in
// quotes as CouchDB writes it. The subtype is "related" or "mixed".
func ContentType(subtype, boundary string) string {
	return "multipart/" + subtype + `; boundary="` + boundary + `"`
}

// Boundary returns the boundary that a Content-Type names. It reads more than
// RFC 2045 allows: characters that should have been quoted may stand unquoted.
// The error is a BadContentType where the type is not multipart, a BadRequest
// where it has no usable boundary.
func Boundary(contentType string) (string, error) {
	mediaType, params, _ := strings.Cut(contentType, ";")
	mediaType = strings.ToLower(strings.TrimSpace(mediaType))
	if !strings.HasPrefix(mediaType, "multipart/") {
		return "", couch.Errorf(couch.BadContentType, "Content-Type must be multipart")
	}
	for params != "" {
		var name, value string
		name, value, params = nextParam(params)
		if !strings.EqualFold(name, "boundary") {
			continue
		}
		if value == "" || len(value) > maxBoundary || strings.ContainsAny(value, "\r\n") {
			return "", couch.Errorf(couch.BadRequest, "Invalid multipart boundary")
		}
		return value, nil
	}
	return "", couch.Errorf(couch.BadRequest, "Content-Type has no multipart boundary")
}

// nextParam takes the first `name=value` off a list of parameters that are
// separated by semicolons.
func nextParam(s string) (name, value, rest string) {
	end := strings.IndexAny(s, "=;")
	if end < 0 || s[end] == ';' {
		name, rest, _ = strings.Cut(s, ";")
		return strings.TrimSpace(name), "", rest
	}
	name = strings.TrimSpace(s[:end])
	s = strings.TrimLeft(s[end+1:], " \t")
	if !strings.HasPrefix(s, `"`) {
		value, rest, _ = strings.Cut(s, ";")
		return name, strings.TrimSpace(value), rest
	}
	value, s = unquote(s[1:])
	_, rest, _ = strings.Cut(s, ";")
	return name, value, rest
}

// unquote reads a quoted string behind its first quote. Without a closing quote
// it reaches to the end.
func unquote(s string) (value, rest string) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '"':
			return b.String(), s[i+1:]
		case s[i] == '\\' && i+1 < len(s):
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String(), ""
}
