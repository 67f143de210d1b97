package viewparams

import (
	"settle/server/web"
	"settle/storage/docjson"
)

// ReadBody reads the body of a request, a JSON object at which read finds the reader.
// Errors: BadContentType, BadRequest, and those of read.
func ReadBody(r *web.Request, read func(*docjson.Reader) error) error {
	if err := r.RequireJSON(); err != nil {
		return err
	}
	return ReadUntyped(r, read)
}

// ReadUntyped is ReadBody for a request that need not say that its body is JSON.
func ReadUntyped(r *web.Request, read func(*docjson.Reader) error) error {
	body, err := r.OpenBody()
	if err != nil {
		return err
	}
	reader := docjson.NewReader(body)
	if err := RequireObject(reader); err != nil {
		return err
	}
	if err := read(reader); err != nil {
		return err
	}
	return reader.End()
}
