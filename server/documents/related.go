package documents

import (
	"crypto/md5"
	"hash"
	"io"

	"settle/attachments/multipart"
	"settle/storage/couch"
	"settle/storage/docjson"
)

// receiveRelated reads the body as multipart/related: a document, then the
// contents of its attachments that follow, in the document's order. Parts that
// no attachment stands for are not read.
func (r request) receiveRelated() (*docjson.Parsed, error) {
	body, err := r.OpenBody()
	if err != nil {
		return nil, err
	}
	parts, err := multipart.NewReader(body, r.Header.Get("Content-Type"), 0)
	if err != nil {
		return nil, err
	}
	first, err := parts.Document()
	if err != nil {
		return nil, err
	}
	doc, err := r.readWhole(first)
	if err != nil {
		return nil, err
	}
	err = r.receiveParts(doc, parts)
	if err == nil {
		err = r.takeUploads(doc, make(map[string]bool))
	}
	if err != nil {
		doc.Discard()
		return nil, err
	}
	return doc, nil
}

func (r request) receiveParts(doc *docjson.Parsed, parts *multipart.Reader) error {
	for i := range doc.Attachments {
		a := &doc.Attachments[i]
		if !a.Follows {
			continue
		}
		part, err := parts.Next()
		if err == io.EOF {
			return couch.Errorf(couch.BadRequest, "Attachment %s does not follow", a.Name)
		}
		if err != nil {
			return err
		}
		if err := r.receivePart(a, part); err != nil {
			return err
		}
	}
	return nil
}

// receivePart stores the content of an attachment. Its digest and length in the
// document are those of the part's bytes, which may be gzip; what is stored is
// the content itself.
func (r request) receivePart(a *docjson.Attachment, part *multipart.Part) error {
	wire := &wireReader{r: partContent(a, part), sum: md5.New()}
	content, digest := io.Reader(wire), a.Digest
	if a.Encoding == "gzip" {
		content, digest = docjson.Gunzip(wire), couch.Digest{}
	}
	stored, err := r.storeLike(a.Name, digest, content)
	if err != nil {
		return err
	}
	a.Blob, a.Pending = stored.Blob, stored.Pending // from here on doc.Discard covers it
	if _, err := io.Copy(io.Discard, wire); err != nil {
		return err
	}
	if a.HasDigest && a.Digest != couch.Digest(wire.sum.Sum(nil)) {
		return &couch.Error{Kind: couch.DigestMismatch}
	}
	if a.HasLength && a.Length != stored.Length {
		return couch.Errorf(couch.BadRequest, "Attachment %s has another length than it says", a.Name)
	}
	a.Digest, a.Length, a.Follows = stored.Digest, stored.Length, false
	return nil
}

// partContent returns a part's bytes, bounded by the length that the document
// gives them, where it does.
func partContent(a *docjson.Attachment, part *multipart.Part) io.Reader {
	switch {
	case a.Encoding == "" && a.HasLength:
		return part.Expect(a.Length)
	case a.Encoding != "" && a.EncodedLength > 0:
		return part.Expect(a.EncodedLength)
	}
	return part
}

// wireReader reads the bytes of a part and sums them up.
type wireReader struct {
	r   io.Reader
	sum hash.Hash
}

// Read reads from the part.
func (w *wireReader) Read(p []byte) (int, error) {
	n, err := w.r.Read(p)
	w.sum.Write(p[:n])
	return n, err
}
