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

// Quota returns what the database may hold, and holds. Contents that several leaves
// have in common count once, unless superseded ones of more bytes than that saves are
// still stored: what is counted is the lesser of the leaves' contents, each as often as
// a leaf has it, and of all contents that are here, each once.
func (m *Meta) Quota() couch.Quota {
	q := couch.Quota{Max: couch.NoQuota, Documents: m.ActiveBytes - m.AttBytes, Attachments: min(m.AttBytes, m.BlobBytes)}
	if m.MaxBytes > 0 {
		q.Max = int64(m.MaxBytes - 1)
	}
	return q
}

// SetMaxBytes changes what the database may hold; couch.NoQuota: anything.
func (m *Meta) SetMaxBytes(max int64) { m.MaxBytes = uint64(max + 1) }
