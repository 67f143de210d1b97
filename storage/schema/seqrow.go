package schema

import (
	"encoding/binary"

	"settle/storage/couch"
	"settle/storage/revtree"
)

// SeqRow is a row of by-seq: what the changes feed prints of a document.
//
//	version    1 byte
//	flags      1 byte: bit 0 for a winner that is a deletion
//	ID         bytes
//	Leaves     uvarint number, so many revisions; the winner first
type SeqRow struct {
	ID      couch.DocID
	Deleted bool
	Leaves  []couch.RevID // never empty; winner first
}

const seqRowVersion = 1

// NewSeqRow returns the row of a document.
func NewSeqRow(id couch.DocID, tree *revtree.Tree) *SeqRow {
	row := &SeqRow{ID: id, Deleted: tree.Deleted()}
	for _, leaf := range tree.Leaves() {
		row.Leaves = append(row.Leaves, leaf.Rev)
	}
	return row
}

// Encode returns the row.
func (r *SeqRow) Encode() []byte {
	b := appendBytes([]byte{seqRowVersion, flags(r.Deleted)}, r.ID)
	b = binary.AppendUvarint(b, uint64(len(r.Leaves)))
	for _, rev := range r.Leaves {
		b = appendRevID(b, rev)
	}
	return b
}

// DecodeSeqRow reads a row. The error is of kind couch.Corrupt.
func DecodeSeqRow(b []byte) (*SeqRow, error) {
	d := decoder{b: b}
	d.version(seqRowVersion)
	r := &SeqRow{Deleted: d.byte()&flagDeleted != 0, ID: couch.DocID(d.string())}
	for n := d.uvarint(); n > 0 && !d.bad; n-- {
		r.Leaves = append(r.Leaves, d.rev())
	}
	if d.bad || len(d.b) != 0 || len(r.Leaves) == 0 {
		return nil, Corrupt("sequence row")
	}
	return r, nil
}
