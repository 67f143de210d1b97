// Package leafblobs keeps which documents have which blobs attached to their leaves, and
// finds out, for a transaction that changes that, by how many bytes the contents grow
// that leaves have, each counted once: a quota bounds them. Package schema says where
// the rows are.
package leafblobs

import (
	"context"

	"settle/storage/couch"
	"settle/storage/kv"
	"settle/storage/schema"
)

// Changes gathers what one transaction changes, which does not read its own writes. Of
// several transactions whose writes go nowhere, one behind the other, it is what they
// would change together. The zero value is ready.
type Changes struct {
	blobs   map[couch.BlobID]*change
	touched map[couch.BlobID]bool // since Settle
}

// change is what becomes of one blob.
type change struct {
	docs  map[string]bool // keys, and whether they are set now; those that are not named are as stored
	isNew bool            // the transaction brings the blob: no key is stored
	// bytes is the blob's length, and once it is weighed what it counts for where a
	// leaf has it.
	bytes   int64
	weighed bool
	// held says whether a leaf has the blob, as the last Settle has found it.
	held    bool
	settled bool
}

// Bring notes that the transaction brings a blob, which counts for so many bytes where a
// leaf has it.
func (c *Changes) Bring(blob couch.BlobID, bytes int64) {
	ch := c.of(blob, bytes)
	ch.isNew, ch.bytes, ch.weighed = true, bytes, true
}

func (c *Changes) of(blob couch.BlobID, length int64) *change {
	if c.blobs == nil {
		c.blobs, c.touched = make(map[couch.BlobID]*change), make(map[couch.BlobID]bool)
	}
	if c.blobs[blob] == nil {
		c.blobs[blob] = &change{docs: make(map[string]bool), bytes: length}
	}
	return c.blobs[blob]
}

// Replace stores that the leaves of a document, which had the blobs of one set, have
// those of another. The sets say how long the blobs are.
func (c *Changes) Replace(tx kv.Tx, id couch.DocID, before, after map[couch.BlobID]int64) {
	for blob, length := range before {
		if _, kept := after[blob]; !kept {
			tx.Delete(c.note(blob, length, id, false))
		}
	}
	for blob, length := range after {
		if _, had := before[blob]; !had {
			tx.Set(c.note(blob, length, id, true), nil)
		}
	}
}

func (c *Changes) note(blob couch.BlobID, length int64, id couch.DocID, has bool) (key []byte) {
	key = schema.LeafBlobKey(blob, id)
	c.of(blob, length).docs[string(key)] = has
	c.touched[blob] = true
	return key
}

// Settle returns by how many bytes the contents have grown that leaves have, since the
// last Settle. Call it at the transaction's end. weigh returns what a stored blob of a
// length counts for where a leaf has it. The error is weigh's or the reader's.
func (c *Changes) Settle(ctx context.Context, rd kv.Reader, weigh func(context.Context, couch.BlobID, int64) (int64, error)) (growth int64, err error) {
	for blob := range c.touched {
		ch := c.blobs[blob]
		was, is, err := ch.holders(ctx, rd, blob)
		if err != nil {
			return 0, err
		}
		ch.held, ch.settled = is, true
		if was == is {
			continue
		}
		if !ch.weighed {
			if ch.bytes, err = weigh(ctx, blob, ch.bytes); err != nil {
				return 0, err
			}
			ch.weighed = true
		}
		if is {
			growth += ch.bytes
		} else {
			growth -= ch.bytes
		}
	}
	clear(c.touched)
	return growth, nil
}

// holders returns whether a leaf had the blob at the last Settle, or before there was
// one, and whether one has it now.
func (ch *change) holders(ctx context.Context, rd kv.Reader, blob couch.BlobID) (was, is bool, err error) {
	for _, has := range ch.docs {
		is = is || has
	}
	if ch.settled {
		was = ch.held
	}
	if ch.isNew || ch.settled && is {
		return was, is, nil
	}
	most := len(ch.docs) + 1
	if is {
		most = 1
	}
	for row, err := range rd.Scan(ctx, holding(blob, most)) {
		if err != nil {
			return false, false, err
		}
		was = was || !ch.settled
		if _, known := ch.docs[string(row.Key)]; !known {
			is = true
		}
	}
	return was, is, nil
}

// Held reports whether a leaf of a document has a blob attached, as it is stored.
func Held(ctx context.Context, rd kv.Reader, blob couch.BlobID) (held bool, err error) {
	for _, err := range rd.Scan(ctx, holding(blob, 1)) {
		if err != nil {
			return false, err
		}
		held = true
	}
	return held, nil
}

// holding is the range of the first documents that have a blob in a leaf.
func holding(blob couch.BlobID, limit int) kv.Range {
	prefix := schema.LeafBlobPrefix(blob)
	return kv.Range{Lo: prefix, Hi: schema.PrefixEnd(prefix), Limit: limit}
}
