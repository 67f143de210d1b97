package storage

import (
	"context"
	"encoding/binary"
	"math"

	"settle/storage/couch"
	"settle/storage/crypt"
	"settle/storage/kv"
	"settle/storage/revtree"
)

// A body row holds, sealed, what one revision says: its attachment list and the
// JSON text. The revision tree keeps the seal's tag, so that a body put in
// another's place, or an older one of the same revision, does not open.

const bodyVersion = 1

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

func decodeBody(b []byte) (atts []couch.Attachment, text []byte, err error) {
	d := decoder{b: b}
	d.version(bodyVersion)
	for n := d.uvarint(); n > 0 && !d.bad; n-- {
		a := couch.Attachment{Name: d.string(), ContentType: d.string(), RevPos: d.uvarint(), Length: int64(d.uvarint())}
		copy(a.Digest[:], d.take(uint64(len(a.Digest))))
		copy(a.Blob[:], d.take(uint64(len(a.Blob))))
		atts = append(atts, a)
	}
	if d.bad || len(d.b) < 2 {
		return nil, nil, corrupt("body")
	}
	return atts, d.b, nil
}

// sealBody seals the body of a revision for its row.
func (db *Database) sealBody(d *couch.Document, rev couch.RevID) []byte {
	return db.key.Seal(crypt.PurposeBody, encodeBody(d), []byte(d.ID), appendRev(nil, rev))
}

// openBody opens the body row of a revision whose node in the tree is n.
func (db *Database) openBody(sealed []byte, id couch.DocID, rev couch.RevID, n revtree.Node) ([]couch.Attachment, []byte, error) {
	if sealed == nil || crypt.Tag(sealed) != n.Tag {
		return nil, nil, corrupt("body: not the one that the document names")
	}
	plain, err := db.key.Open(crypt.PurposeBody, sealed, math.MaxInt32, []byte(id), appendRev(nil, rev))
	if err != nil {
		return nil, nil, err
	}
	return decodeBody(plain)
}

// readBody reads a stored revision's attachments and text.
func (db *Database) readBody(ctx context.Context, r kv.Reader, id couch.DocID, rev couch.RevID, n revtree.Node) ([]couch.Attachment, []byte, error) {
	sealed, err := getOne(ctx, r, bodyKey(id, rev))
	if err != nil {
		return nil, nil, err
	}
	return db.openBody(sealed, id, rev, n)
}
