package schema

import (
	"settle/storage/couch"
	"settle/storage/revtree"
)

// AttBytes is the part of a document in Meta.AttBytes.
func AttBytes(t *revtree.Tree) int64 {
	var n int64
	for _, leaf := range t.Leaves() {
		if leaf.Node.Available {
			n += leaf.Node.AttSize
		}
	}
	return n
}

// TombstoneBytes is the part of ActiveBytes of the leaves that are deletions without a
// member or an attachment.
func TombstoneBytes(t *revtree.Tree) int64 {
	const empty = int64(len("{}"))
	var n int64
	for _, leaf := range t.Leaves() {
		if leaf.Node.Available && leaf.Node.Deleted && leaf.Node.Size+leaf.Node.AttSize <= empty {
			n += leaf.Node.Size
		}
	}
	return n
}

// Quota returns what the database may hold, and holds, but for TombstoneBytes. Contents
// that several leaves have in common count once, and those that are only at an origin do
// not count.
func (m *Meta) Quota() couch.Quota {
	documents := m.ActiveBytes - m.AttBytes - m.TombstoneBytes
	q := couch.Quota{Max: couch.NoQuota, Documents: documents, Attachments: m.LeafBlobBytes}
	if m.MaxBytes > 0 {
		q.Max = int64(m.MaxBytes - 1)
	}
	return q
}

// SetMaxBytes changes what the database may hold; couch.NoQuota: anything.
func (m *Meta) SetMaxBytes(max int64) { m.MaxBytes = uint64(max + 1) }
