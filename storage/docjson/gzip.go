package docjson

import (
	"compress/gzip"
	"errors"
	"io"

	"settle/storage/couch"
)

// Gunzip returns a reader of what a stream of gzip holds. What is no gzip is a
// BadRequest of its Read; errors of the stream stay as they are.
func Gunzip(packed io.Reader) io.Reader { return &gunzipReader{packed: packed} }

// gunzipReader reads the header at the first Read, so that making one cannot fail.
type gunzipReader struct {
	packed io.Reader
	unpack *gzip.Reader
	err    error // of the header or of what follows, io.EOF among them
}

// Read reads unpacked bytes.
func (g *gunzipReader) Read(p []byte) (n int, err error) {
	if g.unpack == nil && g.err == nil {
		g.unpack, g.err = gzip.NewReader(g.packed)
		g.err = badGzip(g.err)
	}
	if g.err != nil {
		return 0, g.err
	}
	n, g.err = g.unpack.Read(p)
	if g.err != io.EOF {
		g.err = badGzip(g.err)
	}
	return n, g.err
}

// badGzip gives an error of unpacking its kind; errors of the stream below have theirs.
func badGzip(err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*couch.Error](err); ok {
		return err
	}
	return &couch.Error{Kind: couch.BadRequest, Reason: "gzip data is damaged", Err: err}
}

// checkPacked checks inline content that came as gzip against the digest of the gzip.
func (a *inlineAttachment) checkPacked() error {
	digest, given, err := a.wireDigest()
	if err == nil && given && a.Pending != nil && digest != a.Digest {
		err = &couch.Error{Kind: couch.DigestMismatch}
	}
	return err
}

// unpack puts what an inline attachment's content unpacks to in its place, where the
// text says that it is gzip. It may say so behind the content, which is therefore
// stored as it comes and read again here, as a stream.
func (d *document) unpack(a *inlineAttachment) error {
	if a.enc != "gzip" || a.Pending == nil {
		return nil
	}
	packed, err := a.Pending.Open()
	if err != nil {
		return d.r.fail(err)
	}
	content := &gunzipReader{packed: packed}
	stored, err := d.store(a.Name, couch.Digest{}, content)
	packed.Close()
	switch {
	case err != nil && content.err != nil && content.err != io.EOF:
		return content.err // the document's own, and not of Store
	case err != nil:
		return d.r.fail(err)
	}
	a.discard()
	a.Blob, a.Pending = stored.Blob, stored.Pending
	a.Digest, a.Length = stored.Digest, stored.Length
	return nil
}
