package schema

import (
	"encoding/binary"
	"math"

	"settle/storage/couch"
	"settle/storage/crypt"
	"settle/storage/revtree"
)

const bodyVersion = 1

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
//	text           JSON, to the end
func SealBody(key *crypt.DatabaseKey, d *couch.Document, rev couch.RevID) []byte {
	return key.Seal(crypt.PurposeBody, encodeBody(d), []byte(d.ID), appendRev(nil, rev))
}

// OpenBody opens the row of a revision's body, nil where it is missing; n is the
// revision's node in the tree. The error is of kind couch.Corrupt.
func OpenBody(key *crypt.DatabaseKey, sealed []byte, id couch.DocID, rev couch.RevID, n revtree.Node) (Body, error) {
	if sealed == nil || crypt.Tag(sealed) != n.Tag {
		return Body{}, Corrupt("body: not the one that the document names")
	}
	plain, err := key.Open(crypt.PurposeBody, sealed, math.MaxInt32, []byte(id), appendRev(nil, rev))
	if err != nil {
		return Body{}, DomainError(err)
	}
	return decodeBody(plain)
}

// Body is what a stored revision says.
type Body struct {
	Attachments []couch.Attachment
	Text        []byte // JSON
}

func encodeBody(d *couch.Document) []byte {
	b := []byte{bodyVersion}
	b = binary.AppendUvarint(b, uint64(len(d.Attachments)))
	for _, a := range d.Attachments {
		b = appendBytes(b, a.Name)
		b = appendBytes(b, a.ContentType)
		b = binary.AppendUvarint(b, a.RevPos)
		b = binary.AppendUvarint(b, uint64(a.Length))
		b = append(b, a.Digest[:]...)
		b = append(b, a.Blob[:]...)
	}
	return append(b, d.Body.Text...)
}

func decodeBody(b []byte) (Body, error) {
	d := decoder{b: b}
	d.version(bodyVersion)
	var atts []couch.Attachment
	for n := d.uvarint(); n > 0 && !d.bad; n-- {
		a := couch.Attachment{Name: d.string(), ContentType: d.string(), RevPos: d.uvarint(), Length: int64(d.uvarint())}
		copy(a.Digest[:], d.take(uint64(len(a.Digest))))
		copy(a.Blob[:], d.take(uint64(len(a.Blob))))
		atts = append(atts, a)
	}
	if d.bad || len(d.b) < 2 {
		return Body{}, Corrupt("body")
	}
	return Body{Attachments: atts, Text: d.b}, nil
}
