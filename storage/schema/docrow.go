package schema

import (
	"encoding/binary"

	"settle/storage/couch"
	"settle/storage/revtree"
)

// DocRow is the by-id row of a document: its winner, so that listings need not
// read the tree, the sequence of its row in by-seq, and its revision tree.
//
//	version    1 byte
//	flags      1 byte: bit 0 for a winner that is a deletion
//	Winner     revision
//	Seq        uvarint
//	Tree       to the end (package revtree)
type DocRow struct {
	Deleted bool
	Winner  couch.RevID
	Seq     couch.Seq
	Tree    *revtree.Tree
}

const (
	docRowVersion = 1
	flagDeleted   = 1
)

// NewDocRow returns the row of a document that was last changed at seq. It keeps
// the tree.
func NewDocRow(tree *revtree.Tree, seq couch.Seq) *DocRow {
	winner, node, _ := tree.Winner()
	return &DocRow{Deleted: node.Deleted, Winner: winner, Seq: seq, Tree: tree}
}

// Encode returns the row. The error is the tree's, which is unsound.
func (r *DocRow) Encode() ([]byte, error) {
	b := appendRevID([]byte{docRowVersion, flags(r.Deleted)}, r.Winner)
	b = binary.AppendUvarint(b, uint64(r.Seq))
	return r.Tree.AppendBinary(b)
}

func flags(deleted bool) byte {
	if deleted {
		return flagDeleted
	}
	return 0
}

// DecodeDocHead reads all of a row but the tree, whose bytes it returns; they are
// part of b. The error is of kind couch.Corrupt.
func DecodeDocHead(b []byte) (row *DocRow, tree []byte, err error) {
	d := decoder{b: b}
	d.version(docRowVersion)
	r := &DocRow{Deleted: d.byte()&flagDeleted != 0, Winner: d.rev(), Seq: couch.Seq(d.uvarint())}
	if d.bad {
		return nil, nil, Corrupt("document row")
	}
	return r, d.b, nil
}

// DecodeDocRow reads a row. The error is of kind couch.Corrupt.
func DecodeDocRow(b []byte) (*DocRow, error) {
	r, tree, err := DecodeDocHead(b)
	if err != nil {
		return nil, err
	}
	if r.Tree, err = revtree.Decode(tree); err != nil {
		return nil, Corrupt("revision tree")
	}
	return r, nil
}

// KeepsAttachments reports whether only the attachments of a revision are still
// stored: compaction has removed its text.
func KeepsAttachments(n revtree.Node) bool { return !n.Available && n.Attachments }

// IsStored reports whether a revision has a row of its own.
func IsStored(n revtree.Node) bool { return n.Available || n.Attachments }

// ActiveBytes is the part of a document in Meta.ActiveBytes.
func ActiveBytes(t *revtree.Tree) int64 {
	var n int64
	for _, leaf := range t.Leaves() {
		if leaf.Node.Available {
			n += leaf.Node.Size + leaf.Node.AttSize
		}
	}
	return n
}
