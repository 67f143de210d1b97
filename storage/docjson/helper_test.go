package docjson_test

import (
	"bytes"
	"compress/gzip"
	"crypto/md5"
	"encoding/base64"
	"errors"
	"io"

	"settle/storage/couch"
)

// blob is stored content; it counts the calls of Discard.
type blob struct {
	content   []byte
	discarded int
}

func (b *blob) BlobID() couch.BlobID { return couch.BlobID{1} }
func (b *blob) Discard()             { b.discarded++ }

// Open fails for content that was discarded.
func (b *blob) Open() (io.ReadCloser, error) {
	if b.discarded > 0 {
		return nil, errors.New("discarded")
	}
	return io.NopCloser(bytes.NewReader(b.content)), nil
}

// packed returns the base64 of the gzip of content, and the digest of the gzip.
func packed(content string) (data, digest string) {
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	w.Write([]byte(content))
	w.Close()
	return base64.StdEncoding.EncodeToString(buf.Bytes()), couch.Digest(md5.Sum(buf.Bytes())).String()
}

// storeBlob is a docjson.Store that keeps content in memory.
func storeBlob(_ string, content io.Reader) (couch.Attachment, error) {
	all, err := io.ReadAll(content)
	if err != nil {
		return couch.Attachment{}, err
	}
	return couch.Attachment{
		Digest: couch.Digest(md5.Sum(all)), Length: int64(len(all)),
		Blob: couch.BlobID{1}, Pending: &blob{content: all},
	}, nil
}

// kindOf returns the kind of an error of the domain, and -1 for another.
func kindOf(err error) couch.Kind {
	if e, ok := errors.AsType[*couch.Error](err); ok {
		return e.Kind
	}
	return -1
}
