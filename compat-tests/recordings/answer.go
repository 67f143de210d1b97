package recordings

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"regexp"
	"strings"
	"unicode/utf8"
)

// Form is how a body is recorded and compared.
type Form string

// The forms of a body.
const (
	FormRaw    Form = "raw"    // text, byte for byte
	FormJSON   Form = "json"   // one JSON value
	FormLines  Form = "lines"  // a JSON value a line
	FormParts  Form = "parts"  // multipart
	FormEvents Form = "events" // event stream
	FormText   Form = "text"
	FormBase64 Form = "base64" // not UTF-8
	FormEmpty  Form = "empty"
)

var forms = []Form{FormRaw, FormJSON, FormLines, FormParts, FormEvents, FormText, FormBase64, FormEmpty}

// Answer is what the server under test answered, in the form that recordings
// have: its own address reads http://HOST, boundaries and session cookies read *.
// Status 0 means that no answer came; Failure then says why.
type Answer struct {
	Status  int
	Headers map[string]string // names in lower case
	Form    Form
	Body    any
	Failure string
}

var (
	boundary = regexp.MustCompile(`boundary="?[^";]+"?`)
	session  = regexp.MustCompile(`AuthSession=[^;]*`)
)

// answerOf brings a reply into the recorded form; server is the address that
// becomes http://HOST.
func answerOf(r *reply, server string, raw bool) *Answer {
	a := &Answer{Status: r.status, Headers: map[string]string{}}
	for name, values := range r.headers {
		name = strings.ToLower(name)
		value := boundary.ReplaceAllString(values[len(values)-1], "boundary=*")
		value = strings.ReplaceAll(value, server, "http://HOST")
		if name == "set-cookie" {
			value = session.ReplaceAllString(value, "AuthSession=*")
		}
		a.Headers[name] = value
	}
	body := bytes.ReplaceAll(r.body, []byte(server), []byte("http://HOST"))
	a.Form, a.Body = parseBody(r.headers, body, raw)
	return a
}

// parseBody tells the form of a body and its value in that form.
func parseBody(headers http.Header, data []byte, raw bool) (Form, any) {
	ctype := headers.Get("Content-Type")
	switch {
	case len(data) == 0:
		return FormEmpty, true
	case raw:
		return FormRaw, strings.ToValidUTF8(string(data), "\uFFFD")
	case strings.HasPrefix(ctype, "multipart/"):
		if parts, err := parseParts(ctype, data); err == nil {
			return FormParts, parts
		}
	case strings.HasPrefix(ctype, "text/event-stream") && utf8.Valid(data):
		return FormEvents, parseEvents(string(data))
	}
	if v, err := decodeJSON(data); err == nil {
		return FormJSON, v
	}
	if !utf8.Valid(data) {
		return FormBase64, base64.StdEncoding.EncodeToString(data)
	}
	if lines, ok := parseLines(string(data)); ok {
		return FormLines, lines
	}
	return FormText, string(data)
}

// parseLines reads a JSON value from each line that is not blank.
func parseLines(text string) ([]any, bool) {
	lines := []any{}
	for line := range strings.SplitSeq(text, "\n") {
		if strings.TrimSpace(line) == "" {
			continue
		}
		v, err := decodeJSON([]byte(line))
		if err != nil {
			return nil, false
		}
		lines = append(lines, v)
	}
	return lines, true
}

// parseEvents reads an event stream: each event an object of its fields.
func parseEvents(text string) []any {
	events := []any{}
	for block := range strings.SplitSeq(text, "\n\n") {
		if strings.TrimSpace(block) == "" {
			continue
		}
		event := map[string]any{}
		for line := range strings.SplitSeq(block, "\n") {
			if field, value, ok := strings.Cut(line, ": "); ok {
				event[field] = value
			}
		}
		events = append(events, event)
	}
	return events
}
