package design

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
)

// Rewrite is where a rewrite function sends a request. Where Response has a code the
// function has answered by itself.
type Rewrite struct {
	Path     string
	Method   string            // "" for the request's own
	Query    map[string]string // nil for the request's own
	Header   []HeaderField     // to set in the request
	Body     *string           // nil for the request's own
	Response Response
}

// Rewrite runs the design document's rewrite function. The error is an *Error with
// the name RewriteError where it returns neither a path nor a code, or anything of a form
// that it cannot have; else as of Filter.
func (d *Document) Rewrite(ctx context.Context, req []byte) (Rewrite, error) {
	if _, err := d.function("rewrites"); err != nil {
		return Rewrite{}, err
	}
	text, err := d.functions.call(ctx, "rewrite", string(req))
	if err != nil {
		return Rewrite{}, err
	}
	members, err := parseObject([]byte(text))
	if err != nil {
		return Rewrite{}, newError(RewriteError, "Invalid path.")
	}
	r := Rewrite{}
	for _, m := range members {
		if err := r.set(m.name, m.value); err != nil {
			return Rewrite{}, err
		}
	}
	return r.checked(members)
}

// set takes a member of what a function returned. Others than CouchDB knows do not count.
func (r *Rewrite) set(name string, value json.RawMessage) (err error) {
	switch name {
	case "path":
		err = json.Unmarshal(notNull(value), &r.Path)
	case "method":
		err = json.Unmarshal(notNull(value), &r.Method)
	case "body":
		err = json.Unmarshal(notNull(value), &r.Body)
	case "query":
		r.Query, err = parseStrings(value)
	case "headers":
		if _, err = parseStrings(value); err == nil {
			r.Header, err = parseHeader(value)
		}
	case "code":
		r.Response.Code, err = strconv.Atoi(string(value))
		if err == nil && (r.Response.Code < 200 || r.Response.Code > 599) {
			err = strconv.ErrRange
		}
	}
	if err != nil {
		return newError(RewriteError, "bad "+name)
	}
	return nil
}

// checked tells an answer from a way on.
func (r Rewrite) checked(members object) (Rewrite, error) {
	if _, ok := members.get("code"); ok {
		answer := Response{Code: r.Response.Code, HasCode: true, Header: r.Header}
		if r.Body != nil {
			answer.Body, answer.ContentType = []byte(*r.Body), textType
		}
		return Rewrite{Response: answer}, nil
	}
	if _, ok := members.get("path"); !ok {
		return Rewrite{}, newError(RewriteError, "Rewrite result must produce a new path.")
	}
	return r, nil
}

// parseStrings reads an object of strings.
func parseStrings(text json.RawMessage) (map[string]string, error) {
	members, err := parseObject(text)
	if err != nil {
		return nil, err
	}
	all := make(map[string]string, len(members))
	for _, m := range members {
		var value string
		if err := json.Unmarshal(notNull(m.value), &value); err != nil {
			return nil, fmt.Errorf("%s: %w", m.name, err)
		}
		all[m.name] = value
	}
	return all, nil
}

// notNull makes an error of what JSON would take for any type.
func notNull(value json.RawMessage) json.RawMessage {
	if isNull(value) {
		return nil
	}
	return value
}

// RewritesByFunction reports whether `rewrites` is a function's source, and not a
// list of rules.
func (d *Document) RewritesByFunction() bool {
	value, ok := d.members.get("rewrites")
	return ok && len(value) > 0 && value[0] == '"'
}
