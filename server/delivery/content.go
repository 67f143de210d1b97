package delivery

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"io"
	"strings"
	"unicode/utf8"

	"settle/attachments/multipart"
	"settle/storage/couch"
	"settle/storage/docjson"
)

// maxMetadata bounds the metadata of a delivery, in bytes.
const maxMetadata = 64 << 10

var (
	errMetadata     = &couch.Error{Kind: couch.BadRequest, Reason: "The metadata of a delivery must be a JSON object."}
	errMetadataSize = &couch.Error{Kind: couch.RequestTooLarge, Reason: "The metadata of a delivery must not be longer than 65536 bytes."}
	errParts        = &couch.Error{Kind: couch.BadRequest, Reason: "A multipart delivery has two parts, the metadata and the content."}
	errEncoding     = &couch.Error{Kind: couch.BadRequest, Reason: "The content of a delivery must not be encoded for transfer."}
	errContentType  = &couch.Error{Kind: couch.BadRequest, Reason: "The Content-Type must be UTF-8."}
)

// defaultType is the type of content that has none.
const defaultType = "application/octet-stream"

// content is what is delivered, as it arrives.
type content struct {
	*bufio.Reader // of what below counts
	kind          string
	parts         *multipart.Reader // that the content is the last part of; nil: it is the body
	sum           hash.Hash
	length        int64
}

// open reads the metadata, and the header of the content.
func (d *delivery) open() error {
	body, err := d.OpenBody()
	if err != nil {
		return err
	}
	d.content = &content{sum: sha256.New(), kind: d.Header.Get("Content-Type")}
	if d.MediaType() == "multipart/related" {
		if body, err = d.openParts(body); err != nil {
			return err
		}
	}
	if d.content.kind == "" {
		d.content.kind = defaultType
	}
	if !utf8.ValidString(d.content.kind) {
		return errContentType
	}
	d.content.Reader = bufio.NewReaderSize(counted{d.content, body}, headerBytes)
	return (&couch.Attachment{ContentType: d.content.kind}).CheckBounds()
}

// openParts reads the metadata and returns the part that is the content.
func (d *delivery) openParts(body io.Reader) (io.Reader, error) {
	parts, err := multipart.NewReader(body, d.content.kind, 0)
	if err != nil {
		return nil, err
	}
	first, err := parts.Document()
	if err != nil {
		return nil, err
	}
	if d.metadata, err = readMetadata(first); err != nil {
		return nil, err
	}
	part, err := parts.Next()
	if err == io.EOF {
		return nil, errParts
	}
	if err != nil {
		return nil, err
	}
	switch strings.ToLower(part.Header.Get("Content-Transfer-Encoding")) {
	case "", "7bit", "8bit", "binary":
	default:
		return nil, errEncoding
	}
	d.content.kind, d.content.parts = part.Header.Get("Content-Type"), parts
	return part, nil
}

// readMetadata reads a JSON object and returns it in the form that CouchDB prints.
func readMetadata(r io.Reader) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxMetadata+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxMetadata {
		return nil, errMetadataSize
	}
	json := docjson.NewReader(bytes.NewReader(text))
	value, err := json.Value()
	if err == nil {
		err = json.End()
	}
	if err == nil && value[0] != '{' {
		err = errMetadata
	}
	return value, err
}

// counted is the content's bytes, before anything is made of them.
type counted struct {
	c *content
	r io.Reader
}

// Read reads from the content.
func (r counted) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	r.c.sum.Write(p[:n])
	r.c.length += int64(n)
	return n, err
}

// drain reads the content to its end.
func (c *content) drain() error {
	if _, err := io.Copy(io.Discard, c.Reader); err != nil {
		return err
	}
	return c.end()
}

// end makes sure that nothing follows the content.
func (c *content) end() error {
	if c.parts == nil {
		return nil
	}
	switch _, err := c.parts.Next(); err {
	case io.EOF:
		return nil
	case nil:
		return errParts
	default:
		return err
	}
}

// fingerprint returns a digest of what a repetition of the delivery has in common
// with it, once the content was read.
func (d *delivery) fingerprint() [sha256.Size]byte {
	h := sha256.New()
	for _, field := range [][]byte{[]byte(d.content.kind), d.metadata, d.content.sum.Sum(nil)} {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(field))))
		h.Write(field)
	}
	return [sha256.Size]byte(h.Sum(nil))
}
