package web

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"unicode/utf8"

	"settle/storage/couch"
)

var (
	errBadJSON = &couch.Error{Kind: couch.BadRequest, Reason: "invalid UTF-8 JSON"}
	errTooBig  = &couch.Error{Kind: couch.RequestTooLarge}
)

// RequireJSON checks that the request says it has a JSON body. The error is a
// BadContentType. CouchDB asks for it on nearly every POST, and on no PUT.
func (r *Request) RequireJSON() error {
	if r.MediaType() != "application/json" {
		return &couch.Error{Kind: couch.BadContentType}
	}
	return nil
}

// MediaType returns the media type of the body, in lower case and without
// parameters; "" where the request names none.
func (r *Request) MediaType() string {
	media, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	return strings.ToLower(strings.TrimSpace(media))
}

// MediaTypeParam returns a parameter of the body's media type, such as the boundary.
func (r *Request) MediaTypeParam(name string) string {
	_, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return params[name]
}

// OpenBody returns the body as a stream, unpacked where it came with
// Content-Encoding gzip. Reads fail with a RequestTooLarge once the body, packed
// or unpacked, is longer than max_http_request_size, with a BadRequest where it
// is cut short or badly packed. Errors: BadContentType for another encoding.
func (r *Request) OpenBody() (io.Reader, error) {
	body, err := r.RawBody()
	if err != nil {
		return nil, err
	}
	switch encoding := strings.ToLower(r.Header.Get("Content-Encoding")); encoding {
	case "", "identity":
		return body, nil
	case "gzip":
		unpacked, err := gzip.NewReader(body)
		if err != nil {
			return nil, bodyError(err)
		}
		return r.LimitBody(unpacked), nil
	default:
		return nil, couch.Errorf(couch.BadContentType, "Content-Encoding %q is not supported", encoding)
	}
}

// RawBody is OpenBody without unpacking, for handlers that deal with
// Content-Encoding themselves, and pass what they unpack through LimitBody.
func (r *Request) RawBody() (io.Reader, error) {
	max := r.Limits().MaxRequestSize
	if max > 0 && r.ContentLength > max {
		return nil, errTooBig
	}
	return r.LimitBody(r.Body), nil
}

// LimitBody returns a reader of the body, or of what is unpacked from it, that
// fails with a RequestTooLarge behind max_http_request_size.
func (r *Request) LimitBody(body io.Reader) io.Reader {
	max := r.Limits().MaxRequestSize
	return &bodyReader{r: body, left: max, limited: max > 0}
}

// ReadBody returns the whole body, unpacked. A body of more than max bytes is
// a RequestTooLarge; the other errors are those of OpenBody.
func (r *Request) ReadBody(max int64) ([]byte, error) {
	body, err := r.OpenBody()
	if err != nil {
		return nil, err
	}
	var buf bytes.Buffer
	if n := r.ContentLength; n > 0 && n <= min(max, 1<<20) {
		buf.Grow(int(n) + bytes.MinRead)
	}
	n, err := buf.ReadFrom(io.LimitReader(body, max+1))
	if err != nil {
		return nil, err
	}
	if n > max {
		return nil, errTooBig
	}
	return buf.Bytes(), nil
}

// maxSmallJSON bounds the bodies that DecodeJSON takes.
const maxSmallJSON = 1 << 20

// DecodeJSON reads a small JSON body, of at most 1 MiB, into v by the rules of
// [encoding/json]. What is not JSON, or of other types than v's, is a BadRequest.
// It is not for documents.
func (r *Request) DecodeJSON(v any) error {
	data, err := r.ReadBody(maxSmallJSON)
	if err != nil {
		return err
	}
	return UnmarshalJSON(data, v)
}

// UnmarshalJSON reads one JSON value. The error is a BadRequest: "invalid UTF-8
// JSON", or that the value or a member of it has a wrong type.
func UnmarshalJSON(data []byte, v any) error {
	if !utf8.Valid(data) {
		return errBadJSON
	}
	err := json.Unmarshal(data, v)
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		if wrong.Field == "" {
			return couch.Errorf(couch.BadRequest, "Request body must be a JSON object")
		}
		return couch.Errorf(couch.BadRequest, "`%s` has the wrong type", wrong.Field)
	}
	if err != nil {
		return errBadJSON
	}
	return nil
}

// bodyReader cuts a body at the limit and gives its errors their kinds.
type bodyReader struct {
	r       io.Reader
	left    int64
	limited bool
}

// Read reads from the body.
func (b *bodyReader) Read(p []byte) (int, error) {
	if b.limited && int64(len(p)) > b.left+1 {
		p = p[:b.left+1] // one byte more tells "at the limit" from "beyond it"
	}
	n, err := b.r.Read(p)
	if b.limited {
		if int64(n) > b.left {
			return 0, errTooBig
		}
		b.left -= int64(n)
	}
	if err != nil && err != io.EOF {
		err = bodyError(err)
	}
	return n, err
}

// bodyError gives an error of reading a body its kind.
func bodyError(err error) error {
	if _, ok := errors.AsType[*couch.Error](err); ok {
		return err
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return errTooBig
	}
	return &couch.Error{Kind: couch.BadRequest, Reason: "The request body could not be read.", Err: err}
}
