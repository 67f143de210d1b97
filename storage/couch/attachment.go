package couch

import (
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"io"
)

// Attachment is one entry of a document's `_attachments`.
//
// One that is read from the store refers to a blob. One that a client sends is
// either of new content, which has been written to the blob store and is
// carried as Blob and Pending, or a Stub, which the write resolves by name in
// the document's ancestors.
type Attachment struct {
	Name        string
	ContentType string
	RevPos      uint64 // the generation that brought the content; 0: the write decides; NoRevPos: a stub of none
	Digest      Digest // of the identity bytes; see Encoded
	Length      int64  // in bytes
	// Encoded says that Digest is that of the gzip output in which the database that
	// the revision came from keeps the content.
	Encoded bool

	Blob BlobID
	Stub bool // content is to be found in an ancestor
	// ByDigest says that a stub means the content of its Digest and Length, under
	// whatever name a revision of the same document holds it. Its name, its type and,
	// where it lies in 1..generation, its RevPos count.
	ByDigest bool
	Pending  PendingBlob // new content; nil on attachments that are stored
}

// PendingBlob is content that has been written but belongs to no document yet.
// The blob store knows its own; the rest of the program only carries it.
type PendingBlob interface {
	BlobID() BlobID
	// Open reads the content, of which Discard must not be called meanwhile. It is for
	// content that was taken into no document.
	Open() (io.ReadCloser, error)
	// Discard removes the content. Safe to call more than once, and after the
	// content was taken into a document, where it does nothing.
	Discard()
}

// DiscardPending removes the new contents that a document brings.
func (d *Document) DiscardPending() {
	for _, a := range d.Attachments {
		if a.Pending != nil {
			a.Pending.Discard()
		}
	}
}

// BlobID names a stored content within its database. It is random.
type BlobID [16]byte

// String returns the id in hexadecimal.
func (id BlobID) String() string { return hex.EncodeToString(id[:]) }

// Digest is the MD5 of an attachment's identity bytes.
type Digest [md5.Size]byte

// String returns the form that CouchDB prints: "md5-" and base64.
func (d Digest) String() string { return "md5-" + base64.StdEncoding.EncodeToString(d[:]) }

// ParseDigest reads the form that String prints. The error is a BadRequest.
func ParseDigest(s string) (Digest, error) {
	if len(s) > 4 && s[:4] == "md5-" {
		if raw, err := base64.StdEncoding.DecodeString(s[4:]); err == nil && len(raw) == md5.Size {
			return Digest(raw), nil
		}
	}
	return Digest{}, Errorf(BadRequest, "Invalid attachment digest")
}
