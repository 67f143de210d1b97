package schema

import (
	"encoding/binary"
	"slices"

	"settle/storage/couch"
	"settle/storage/crypt"
	"settle/storage/revtree"
)

const bodyVersion = 2

// SealBody returns the row of a revision's body: what the revision says, sealed
// with purpose crypt.PurposeBody under the fields id, and gen and hash as in the
// key. The revision tree keeps the seal's tag, so that a body put in another's
// place, or an older one of the same revision, does not open. Plaintext:
//
//	version        1 byte
//	attachments    uvarint number; for each
//	    name       bytes
//	    type       bytes
//	    revpos     uvarint
//	    length     uvarint
//	    digest     16 bytes, MD5
//	    blob       16 bytes
//	    flags      1 byte: bit 0 where the digest is that of gzip output
//	text           JSON, to the end; none where only the attachments are kept
//
// Version 1, which a body is written as where all flags are 0, has no flags.
func SealBody(key *crypt.DatabaseKey, d *couch.Document, rev couch.RevID) []byte {
	return key.Seal(crypt.PurposeBody, encodeBody(d), []byte(d.ID), appendRev(nil, rev))
}

// OpenBody opens the row of a revision's body, nil where it is missing; n is the
// revision's node in the tree. The text is of n.Size bytes, at least 2, or empty
// where n keeps nothing but the attachments. The error is of kind couch.Corrupt.
func OpenBody(key *crypt.DatabaseKey, sealed []byte, id couch.DocID, rev couch.RevID, n revtree.Node) (Body, error) {
	if sealed == nil || crypt.Tag(sealed) != n.Tag {
		return Body{}, Corrupt("body: not the one that the document names")
	}
	plain, err := key.Open(crypt.PurposeBody, sealed, bodyBound(n), []byte(id), appendRev(nil, rev))
	if err != nil {
		return Body{}, DomainError(err)
	}
	body, err := decodeBody(plain)
	if err == nil && (len(body.Text) == 0) == n.Available {
		err = Corrupt("body: it is not what the document says of it")
	}
	return body, err
}

// MaxAttachmentTable bounds what a body's row says of attachments, in bytes.
const MaxAttachmentTable = 16 << 20

// noAttachments is how long a body is without attachments and text.
const noAttachments = 2

// bodyBound returns how long the plaintext of a revision's body may be.
func bodyBound(n revtree.Node) int {
	if n.Attachments {
		return int(n.Size) + MaxAttachmentTable
	}
	return int(n.Size) + noAttachments
}

// AttachmentTable returns how many bytes a body's row says of attachments. One that
// is longer than MaxAttachmentTable must not be sealed.
func AttachmentTable(atts []couch.Attachment) int {
	n := 1 + binary.MaxVarintLen64
	for _, a := range atts {
		n += len(a.Name) + len(a.ContentType) + len(a.Digest) + len(a.Blob) + 1 + 4*binary.MaxVarintLen64
	}
	return n
}

// Body is what a stored revision says.
type Body struct {
	Attachments []couch.Attachment
	Text        []byte // JSON
}

func encodeBody(d *couch.Document) []byte {
	version := byte(1)
	if slices.ContainsFunc(d.Attachments, isEncoded) {
		version = bodyVersion
	}
	b := []byte{version}
	b = binary.AppendUvarint(b, uint64(len(d.Attachments)))
	for _, a := range d.Attachments {
		b = appendBytes(b, a.Name)
		b = appendBytes(b, a.ContentType)
		b = binary.AppendUvarint(b, a.RevPos)
		b = binary.AppendUvarint(b, uint64(a.Length))
		b = append(b, a.Digest[:]...)
		b = append(b, a.Blob[:]...)
		if version > 1 {
			b = append(b, attachmentFlags(a))
		}
	}
	return append(b, d.Body.Text...)
}

const flagEncoded = 1

func isEncoded(a couch.Attachment) bool { return a.Encoded }

func attachmentFlags(a couch.Attachment) byte {
	if a.Encoded {
		return flagEncoded
	}
	return 0
}

func decodeBody(b []byte) (Body, error) {
	d := decoder{b: b}
	version := d.versionUpTo(bodyVersion)
	var atts []couch.Attachment
	for n := d.uvarint(); n > 0 && !d.bad; n-- {
		a := couch.Attachment{Name: d.string(), ContentType: d.string(), RevPos: d.uvarint(), Length: int64(d.uvarint())}
		copy(a.Digest[:], d.take(uint64(len(a.Digest))))
		copy(a.Blob[:], d.take(uint64(len(a.Blob))))
		if version > 1 {
			a.Encoded = d.byte()&flagEncoded != 0
		}
		atts = append(atts, a)
	}
	if d.bad || len(d.b) == 1 {
		return Body{}, Corrupt("body")
	}
	return Body{Attachments: atts, Text: d.b}, nil
}
