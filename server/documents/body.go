package documents

import (
	"settle/storage/couch"
	"settle/storage/docjson"
)

// openObject opens a body that has to be a JSON object.
func (r request) openObject() (*docjson.Reader, error) {
	if err := r.RequireJSON(); err != nil {
		return nil, err
	}
	body, err := r.OpenBody()
	if err != nil {
		return nil, err
	}
	json := docjson.NewReader(body)
	kind, err := json.Kind()
	switch {
	case err != nil:
		return nil, err
	case kind != docjson.Object:
		return nil, couch.Errorf(couch.BadRequest, "Request body must be a JSON object")
	}
	return json, nil
}

const (
	// maxBatch bounds what the answer about the documents of one batch holds in
	// memory, in bytes.
	maxBatch = 128 << 20
	// maxLocals bounds what the local documents of one batch hold in memory: they are
	// written behind all others.
	maxLocals = 16 << 20
	// maxAsks bounds what the documents and revisions hold in memory that a
	// request asks about.
	maxAsks = 64 << 20

	// What values take in memory besides their text, about.
	perDocument = 1 << 10
	perAsk      = 512
	perRev      = 64
)

// budget is how many more bytes of a request may be kept in memory.
type budget int64

// keep takes off what is going to be kept. The error is a RequestTooLarge.
func (b *budget) keep(size int) error {
	if *b -= budget(size); *b < 0 {
		return &couch.Error{Kind: couch.RequestTooLarge}
	}
	return nil
}
