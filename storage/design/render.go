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

func orNull(text []byte) string {
	if text == nil {
		return "null"
	}
	return string(text)
}
