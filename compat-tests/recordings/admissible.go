package recordings

import (
	"encoding/base64"
	"regexp"
	"strings"
)

// CouchDB compresses attachments of these types, and takes digests and revision
// ids from the compressed bytes (its setting compressible_types, as delivered).
const compressible = `(text/|application/(javascript|json|xml)\b)`

var (
	compressibleType   = regexp.MustCompile(`^` + compressible)
	compressibleMember = regexp.MustCompile(`"content_type"\s*:\s*"` + compressible)
	digestText         = regexp.MustCompile(`^md5-[A-Za-z0-9+/]{22}==$`)
	digestTag          = regexp.MustCompile(`^"[A-Za-z0-9+/]{22}=="$`)
	revHash            = regexp.MustCompile(`\b[0-9a-f]{32}\b`)
)

// Admissible reports whether a difference may be a deliberate one: a digest in
// place of a digest, or a revision id of the same generation in place of a
// revision id, in a scenario that has stored a compressible attachment by then.
func Admissible(s *Scenario, exchange int, d Difference) bool {
	want, ok := d.Want.(string)
	if !ok {
		return false
	}
	got, ok := d.Got.(string)
	if !ok || got == want || maskOf(got) != maskOf(want) || maskOf(want) == want {
		return false
	}
	for i := range s.Exchanges[:exchange+1] {
		if r := s.Exchanges[i].Request; r != nil && r.storesCompressible() {
			return true
		}
	}
	return false
}

// maskOf is a text with its digest or revision hashes taken out.
func maskOf(s string) string {
	switch {
	case digestText.MatchString(s):
		return "md5-*"
	case digestTag.MatchString(s):
		return `"*"`
	default:
		return revHash.ReplaceAllString(s, "*")
	}
}

// QuirkOf is the number in QUIRKS.md of an admissible difference.
func QuirkOf(d Difference) string {
	if text, ok := d.Want.(string); ok && (digestText.MatchString(text) || digestTag.MatchString(text)) {
		return "Q1"
	}
	return "Q2"
}

// storesCompressible reports whether the request brings an attachment of a
// compressible type: inline, in multipart, or as a body of its own.
func (r *Request) storesCompressible() bool {
	body := string(r.JSON)
	if r.Text != nil {
		body = *r.Text
	}
	if r.Base64 != nil {
		data, err := base64.StdEncoding.DecodeString(*r.Base64)
		if err != nil {
			return false
		}
		body = string(data)
	}
	if compressibleMember.MatchString(body) {
		return true
	}
	path, _, _ := strings.Cut(strings.Trim(r.Path, "/"), "?")
	if r.Method != "PUT" || strings.Count(path, "/") < 2 {
		return false
	}
	for name, value := range r.Headers {
		if strings.EqualFold(name, "Content-Type") && value != nil && compressibleType.MatchString(*value) {
			return true
		}
	}
	return false
}
