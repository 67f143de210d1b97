package metaview

import (
	"bytes"
	"context"
	"errors"
	"strconv"

	"settle/storage/couch"
	"settle/storage/docjson"
)

// Options is what a database says of its metadata view.
type Options struct {
	// InlineMax is the length, in bytes, up to which attachments stay ordinary ones
	// in metadata form; 0: none do.
	InlineMax int64
}

const inlineMax = "inline_max"

// AppendJSON appends the options as JSON: {"inline_max":N}.
func (o Options) AppendJSON(dst []byte) []byte {
	return append(strconv.AppendInt(append(dst, `{"`+inlineMax+`":`...), o.InlineMax, 10), '}')
}

// ParseOptions reads what AppendJSON appends. The error is a BadRequest.
func ParseOptions(text []byte) (Options, error) {
	var o Options
	given := false
	r := docjson.NewReader(bytes.NewReader(text))
	for name, err := range r.Members() {
		if err != nil {
			return o, err
		}
		if name != inlineMax {
			return o, couch.Errorf(couch.BadRequest, "Metadata options have no member `%s`.", name)
		}
		n, ok := readCount(r)
		if !ok {
			return o, couch.Errorf(couch.BadRequest, "`"+inlineMax+"` must be a number of bytes: an integer from 0 on.")
		}
		o.InlineMax, given = int64(n), true
	}
	if err := r.End(); err != nil {
		return o, err
	}
	if !given {
		return o, couch.Errorf(couch.BadRequest, "`"+inlineMax+"` must be given.")
	}
	return o, nil
}

// optionsID is the local document that keeps the options, which no view shows.
const optionsID couch.DocID = hiddenPrefix + "options"

// MetadataOptions returns the options, the zero value where none were set.
func (db *Database) MetadataOptions(ctx context.Context) (Options, error) {
	doc, err := db.Database.GetLocal(ctx, optionsID)
	switch {
	case errors.Is(err, couch.ErrNotFound):
		return Options{}, nil
	case err != nil:
		return Options{}, err
	}
	return ParseOptions(doc.Body.Text)
}

// SetMetadataOptions stores the options durably. They are the database's own, for as
// long as it exists; changing them is no update, so that no sequence grows.
func (db *Database) SetMetadataOptions(ctx context.Context, o Options) error {
	_, err := db.Database.PutLocal(ctx, &couch.LocalDocument{ID: optionsID, Body: couch.Body{Text: o.AppendJSON(nil)}})
	return err
}
