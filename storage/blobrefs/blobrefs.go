// Package blobrefs finds out, for a transaction that ends references to blobs,
// which blobs nobody uses any more. Package schema says where the references are.
package blobrefs

import (
	"bytes"
	"context"
	"slices"

	"settle/storage/couch"
	"settle/storage/kv"
	"settle/storage/schema"
)

// Refs gathers what one transaction changes, which does not read its own writes.
// The zero value is ready.
type Refs struct {
	added   map[couch.BlobID]map[string]bool // keys of new references
	ended   map[couch.BlobID]map[string]bool // keys of ended references
	lengths map[couch.BlobID]int64
}

// Blob is a blob and the length of its content in bytes.
type Blob struct {
	ID     couch.BlobID
	Length int64
}

// Add stores the reference that says that a revision has a blob attached.
func (r *Refs) Add(tx kv.Tx, ref schema.Ref) {
	key := ref.Key()
	tx.Set(key, nil)
	note(&r.added, ref.Blob, key)
}

// End removes a reference; length is that of the blob. A reference that ends in
// the transaction that has added it may be given too.
func (r *Refs) End(tx kv.Tx, ref schema.Ref, length int64) {
	key := ref.Key()
	tx.Delete(key)
	delete(r.added[ref.Blob], string(key))
	note(&r.ended, ref.Blob, key)
	if r.lengths == nil {
		r.lengths = make(map[couch.BlobID]int64)
	}
	r.lengths[ref.Blob] = length
}

func note(m *map[couch.BlobID]map[string]bool, blob couch.BlobID, key []byte) {
	if *m == nil {
		*m = make(map[couch.BlobID]map[string]bool)
	}
	if (*m)[blob] == nil {
		(*m)[blob] = make(map[string]bool)
	}
	(*m)[blob][string(key)] = true
}

// Unused returns the blobs whose last reference the transaction ends, sorted by
// id. Call it once, at the transaction's end. The error is the reader's.
func (r *Refs) Unused(ctx context.Context, rd kv.Reader) ([]Blob, error) {
	var unused []Blob
	for blob, ended := range r.ended {
		used := len(r.added[blob]) > 0
		prefix := schema.RefPrefix(blob)
		for row, err := range rd.Scan(ctx, kv.Range{Lo: prefix, Hi: schema.PrefixEnd(prefix), Limit: len(ended) + 1}) {
			if err != nil {
				return nil, err
			}
			used = used || !ended[string(row.Key)]
		}
		if !used {
			unused = append(unused, Blob{blob, r.lengths[blob]})
		}
	}
	slices.SortFunc(unused, func(a, b Blob) int { return bytes.Compare(a.ID[:], b.ID[:]) })
	return unused, nil
}
