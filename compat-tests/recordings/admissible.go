package recordings

import (
	"encoding/base64"
	"path"
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
// place of a digest, a revision id of the same generation in place of a revision
// id, or no sign of compression, in a scenario that has stored a compressible
// attachment by then.
func Admissible(s *Scenario, exchange int, d Difference) bool {
	if !isUncompressed(d) && !isMasked(d) {
		return false
	}
	for i := range s.Exchanges[:exchange+1] {
		if r := s.Exchanges[i].Request; r != nil && r.storesCompressible() {
			return true
		}
	}
	return false
}

// isMasked reports whether a difference is one of a digest or of revision hashes.
func isMasked(d Difference) bool {
	want, isText := d.Want.(string)
	got, ok := d.Got.(string)
	return isText && ok && got != want && maskOf(got) == maskOf(want) && maskOf(want) != want
}

// isUncompressed reports whether a difference is that what CouchDB shows as gzip is
// there as it came.
func isUncompressed(d Difference) bool {
	switch path.Base(d.Place) {
	case "accept-ranges":
		return d.Want == "none" && d.Got == "bytes"
	case "encoding":
		return d.Want == "gzip" && d.Got == Absent
	case "encoded_length":
		return d.Got == Absent
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
	if isUncompressed(d) {
		return "Q4"
	}
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
	segments, _, _ := strings.Cut(strings.Trim(r.Path, "/"), "?")
	if r.Method != "PUT" || strings.Count(segments, "/") < 2 {
		return false
	}
	for name, value := range r.Headers {
		if strings.EqualFold(name, "Content-Type") && value != nil && compressibleType.MatchString(*value) {
			return true
		}
	}
	return false
}
