package web

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
)

// WriteJSON answers with v, which is small, as one line of JSON.
func (r *Request) WriteJSON(status int, v any) error {
	var line bytes.Buffer
	enc := json.NewEncoder(&line)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	return r.WriteRawJSON(status, bytes.TrimSuffix(line.Bytes(), []byte{'\n'}))
}

// WriteRawJSON answers with JSON text, and a line break behind it.
func (r *Request) WriteRawJSON(status int, text []byte) error {
	r.Response.Header().Set("Content-Length", strconv.Itoa(len(text)+1))
	r.jsonHeader()
	r.Response.WriteHeader(status)
	if _, err := r.Response.Write(text); err != nil {
		return err
	}
	_, err := r.Response.Write([]byte{'\n'})
	return err
}

// WriteOK answers {"ok":true}.
func (r *Request) WriteOK(status int) error {
	return r.WriteRawJSON(status, []byte(`{"ok":true}`))
}

// jsonHeader sets the headers of a JSON answer, where the handler has not.
func (r *Request) jsonHeader() {
	h := r.Response.Header()
	if h.Get("Content-Type") == "" {
		h.Set("Content-Type", "application/json")
	}
	if h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "must-revalidate")
	}
	r.CompressAnswer()
}

// SetETag sets the ETag header to the quoted tag.
func (r *Request) SetETag(tag string) { r.Response.Header().Set("ETag", `"`+tag+`"`) }

// NotModified sets the ETag header. Where If-None-Match names the tag it also
// answers 304 and returns true: the handler is done.
func (r *Request) NotModified(tag string) bool {
	r.SetETag(tag)
	for _, header := range r.Header.Values("If-None-Match") {
		for part := range strings.FieldsFuncSeq(header, isTagSeparator) {
			if strings.TrimPrefix(part, "W/") == `"`+tag+`"` {
				r.Response.WriteHeader(http.StatusNotModified)
				return true
			}
		}
	}
	return false
}

// isTagSeparator reports whether c stands between entity tags. CouchDB takes a
// blank for one, too.
func isTagSeparator(c rune) bool { return c == ',' || c == ' ' || c == '\t' }

// SetLocation sets the Location header to the URL of the path whose segments
// are given unescaped, below the handler's prefix, on the host that the client named.
func (r *Request) SetLocation(segments ...string) {
	if prefix := r.options.Prefix; prefix != "" {
		segments = append([]string{prefix}, segments...)
	}
	r.Response.Header().Set("Location", r.AbsoluteURL(segments...))
}

// AbsoluteURL returns the URL of a path, whose segments are given unescaped, on
// the host that the client named.
func (r *Request) AbsoluteURL(segments ...string) string {
	var b strings.Builder
	if r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https" || r.Header.Get("X-Forwarded-Ssl") == "on" {
		b.WriteString("https://")
	} else {
		b.WriteString("http://")
	}
	host := r.Header.Get("X-Forwarded-Host")
	if host == "" {
		host = r.Host
	}
	b.WriteString(host)
	for _, s := range segments {
		b.WriteByte('/')
		b.WriteString(EscapeSegment(s))
	}
	return b.String()
}

// Accepts reports whether the client takes an answer of a media type, such as
// "multipart/mixed": something in Accept matches it, and neither the type nor all
// of its kind are refused there. A request without Accept takes everything.
func (r *Request) Accepts(media string) bool {
	values := r.Header.Values("Accept")
	kind, _, _ := strings.Cut(media, "/")
	accepted := len(values) == 0
	for _, value := range values {
		for part := range strings.SplitSeq(value, ",") {
			name, params, _ := strings.Cut(part, ";")
			name = strings.ToLower(strings.TrimSpace(name))
			specific := name == media || name == kind+"/*"
			switch refused := isQZero(params); {
			case specific && refused:
				return false
			case (specific || name == "*/*") && !refused:
				accepted = true
			}
		}
	}
	return accepted
}

// isQZero reports whether the parameters of an Accept item refuse it.
func isQZero(params string) bool {
	for p := range strings.SplitSeq(params, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(p), "=")
		if strings.EqualFold(name, "q") && strings.Trim(value, "0.") == "" && value != "" {
			return true
		}
	}
	return false
}
