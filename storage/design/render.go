package design

import (
	"context"
	"encoding/json"
)

// Show runs a show function. doc is a JSON text, nil where the request names no
// document or one that is missing; req is the request object, JSON. Cookies and
// credentials in req are not shown to functions.
func (d *Document) Show(ctx context.Context, name string, doc, req []byte) (Response, error) {
	path, err := d.function("shows", name)
	if err != nil {
		return Response{}, err
	}
	text, err := d.functions.call(ctx, "show", path, orNull(doc), string(req))
	if err != nil {
		return Response{}, err
	}
	return parseResponse([]byte(text))
}

// Update runs an update function, with arguments as of Show. It returns the
// document to write, JSON, nil where the function returns no object, and the answer to
// give.
func (d *Document) Update(ctx context.Context, name string, doc, req []byte) ([]byte, Response, error) {
	path, err := d.function("updates", name)
	if err != nil {
		return nil, Response{}, err
	}
	text, err := d.functions.call(ctx, "update", path, orNull(doc), string(req))
	if err != nil {
		return nil, Response{}, err
	}
	var parts []json.RawMessage
	if err := json.Unmarshal([]byte(text), &parts); err != nil || len(parts) != 2 {
		return nil, Response{}, errStop
	}
	response, err := parseResponse(parts[1])
	if parts[0][0] != '{' {
		parts[0] = nil
	}
	return parts[0], response, err
}

// Rewrite is where a rewrite function sends a request. Where Path is "" the
// function has answered by itself, with Response: it does so where it gives a code.
type Rewrite struct {
	Path     string
	Method   string          // "" for the request's own
	Query    json.RawMessage // an object; nil for the request's own
	Header   []HeaderField   // to set in the request
	Body     *string         // nil for the request's own
	Response Response
}

// Rewrite runs the design document's rewrite function. The error is an *Error with
// the name RewriteError where it returns neither a path nor a code; else as of Filter.
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
	if _, ok := members.get("code"); ok {
		response, err := parseMembers(members.without("path", "method", "query"))
		return Rewrite{Response: response}, err
	}
	if _, ok := members.get("path"); !ok {
		return Rewrite{}, newError(RewriteError, "Rewrite result must produce a new path.")
	}
	return parseRewrite([]byte(text), members)
}

func parseRewrite(text []byte, members object) (r Rewrite, err error) {
	var target struct {
		Path   string          `json:"path"`
		Method string          `json:"method"`
		Query  json.RawMessage `json:"query"`
		Body   *string         `json:"body"`
	}
	if json.Unmarshal(text, &target) != nil || target.Path == "" {
		return r, newError(RewriteError, "Invalid path.")
	}
	r = Rewrite{Path: target.Path, Method: target.Method, Query: target.Query, Body: target.Body}
	if header, ok := members.get("headers"); ok {
		r.Header, err = parseHeader(header)
	}
	return r, err
}

// RewritesByFunction reports whether `rewrites` is a function's source, and not a
// list of rules.
func (d *Document) RewritesByFunction() bool {
	value, ok := d.members.get("rewrites")
	return ok && len(value) > 0 && value[0] == '"'
}

func orNull(text []byte) string {
	if text == nil {
		return "null"
	}
	return string(text)
}
