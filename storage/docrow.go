package storage

import (
	"encoding/binary"

	"settle/storage/couch"
	"settle/storage/revtree"
)

// docRow is the by-id row of a document: its winner, so that listings need not
// read the tree, the sequence of its row in by-seq, and its revision tree.
type docRow struct {
	deleted bool
	winner  couch.RevID
	seq     couch.Seq
	tree    *revtree.Tree
}

const (
	docRowVersion = 1
	flagDeleted   = 1
)

func newDocRow(tree *revtree.Tree, seq couch.Seq) *docRow {
	winner, node, _ := tree.Winner()
	return &docRow{deleted: node.Deleted, winner: winner, seq: seq, tree: tree}
}

func (r *docRow) encode() ([]byte, error) {
	b := []byte{docRowVersion, 0}
	if r.deleted {
		b[1] = flagDeleted
	}
	b = appendRevID(b, r.winner)
	b = binary.AppendUvarint(b, uint64(r.seq))
	return r.tree.AppendBinary(b)
}

// decodeDocHead reads all of a by-id row but the tree, whose bytes it returns.
func decodeDocHead(b []byte) (*docRow, []byte, error) {
	d := decoder{b: b}
	d.version(docRowVersion)
	r := &docRow{deleted: d.byte()&flagDeleted != 0, winner: d.rev(), seq: couch.Seq(d.uvarint())}
	if d.bad {
		return nil, nil, corrupt("document row")
	}
	return r, d.b, nil
}

func decodeDocRow(b []byte) (*docRow, error) {
	r, tree, err := decodeDocHead(b)
	if err != nil {
		return nil, err
	}
	if r.tree, err = revtree.Decode(tree); err != nil {
		return nil, corrupt("revision tree")
	}
	return r, nil
}

// seqRow is a row of by-seq: what the changes feed prints of a document.
type seqRow struct {
	id      couch.DocID
	deleted bool
	leaves  []couch.RevID // winner first
}

const seqRowVersion = 1

func newSeqRow(id couch.DocID, tree *revtree.Tree) *seqRow {
	row := &seqRow{id: id, deleted: tree.Deleted()}
	for _, leaf := range tree.Leaves() {
		row.leaves = append(row.leaves, leaf.Rev)
	}
	return row
}

func (r *seqRow) encode() []byte {
	b := []byte{seqRowVersion, 0}
	if r.deleted {
		b[1] = flagDeleted
	}
	b = appendBytes(b, r.id)
	b = binary.AppendUvarint(b, uint64(len(r.leaves)))
	for _, rev := range r.leaves {
		b = appendRevID(b, rev)
	}
	return b
}

func decodeSeqRow(b []byte) (*seqRow, error) {
	d := decoder{b: b}
	d.version(seqRowVersion)
	r := &seqRow{deleted: d.byte()&flagDeleted != 0, id: couch.DocID(d.string())}
	for n := d.uvarint(); n > 0 && !d.bad; n-- {
		r.leaves = append(r.leaves, d.rev())
	}
	if d.bad || len(d.b) != 0 || len(r.leaves) == 0 {
		return nil, corrupt("sequence row")
	}
	return r, nil
}
