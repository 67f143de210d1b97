package deferred

import (
	"context"
	"errors"
	"slices"
	"time"

	"settle/attachments"
	"settle/storage/couch"
	"settle/storage/edits"
	"settle/storage/kv"
	"settle/storage/leafblobs"
	"settle/storage/schema"
)

// precision is how exactly it is known when a kept content was read last.
const precision = time.Minute

// touch notes that a kept content was read. That it fails is no news.
func (c *Contents) touch(ctx context.Context, db *DB, blob *attachments.Blob, kept schema.Kept) {
	now := c.o.Now()
	if now.Sub(kept.Used) < precision {
		return
	}
	_ = db.Update(ctx, func(tx kv.Tx, _ *schema.Meta) error {
		row, err := kv.GetOne(ctx, tx, schema.KeptKey(blob.ID()))
		if err != nil || row == nil {
			return err
		}
		still, err := schema.DecodeKept(row)
		if err == nil && still.Blob == kept.Blob {
			still.Used = now
			tx.Set(schema.KeptKey(blob.ID()), still.Encode())
		}
		return err
	}, kv.Lazy)
}

// errNoPlace says that a content is not kept: it is larger than all that may be, it is
// kept already, or its documents are gone.
var errNoPlace = errors.New("deferred: the content is not kept")

// mayKeep reports whether a content that is to come may be kept, as it looks now.
func (c *Contents) mayKeep(ctx context.Context, db *DB, length int64) (may bool, err error) {
	limit := c.limits.Load().Kept
	if limit > 0 && length > limit {
		return false, nil
	}
	err = db.View(ctx, func(_ kv.Reader, m *schema.Meta) error {
		may = m.Quota().Admits(length) == nil
		return nil
	})
	return may, err
}

// keep keeps what was fetched, which the caller discards on any error. Where the kept
// contents become too many those go that were not read for the longest time.
func (c *Contents) keep(ctx context.Context, db *DB, deferred couch.BlobID, p *attachments.Pending) error {
	var dropped []couch.BlobID
	err := db.Update(ctx, func(tx kv.Tx, m *schema.Meta) (err error) {
		isDeferred, err := db.Blobs.IsDeferred(ctx, tx, deferred)
		if err != nil {
			return err
		}
		row, err := kv.GetOne(ctx, tx, schema.KeptKey(deferred))
		if err != nil {
			return err
		}
		held, err := leafblobs.Held(ctx, tx, deferred)
		if err != nil {
			return err
		}
		before := m.Quota()
		if dropped, err = c.makeRoom(ctx, db, tx, m, p.Length()); err != nil {
			return err
		}
		m.Blobs++
		m.BlobBytes += p.Length()
		m.KeptBytes += p.Length()
		if held {
			m.LeafBlobBytes += p.Length()
		}
		if !isDeferred || row != nil || before.Admits(m.Quota().Used()-before.Used()) != nil {
			return errNoPlace
		}
		p.Commit(tx)
		tx.Set(schema.KeptKey(deferred), schema.Kept{Blob: p.BlobID(), Length: p.Length(), Used: c.o.Now()}.Encode())
		return nil
	})
	if err == nil {
		db.RemoveFiles(dropped)
	}
	return err
}

// makeRoom drops kept contents until another of a length is within the limit.
func (c *Contents) makeRoom(ctx context.Context, db *DB, tx kv.Tx, m *schema.Meta, length int64) (dropped []couch.BlobID, err error) {
	limit := c.limits.Load().Kept
	if limit <= 0 || m.KeptBytes+length <= limit {
		return nil, nil
	}
	if length > limit {
		return nil, errNoPlace
	}
	type entry struct {
		deferred couch.BlobID
		kept     schema.Kept
	}
	var all []entry
	for row, err := range tx.Scan(ctx, schema.All(schema.KindKept)) {
		if err != nil {
			return nil, err
		}
		kept, err := schema.DecodeKept(row.Value)
		if err != nil {
			return nil, err
		}
		if id, ok := schema.ParseKeptKey(row.Key); ok {
			all = append(all, entry{id, kept})
		}
	}
	slices.SortFunc(all, func(a, b entry) int { return a.kept.Used.Compare(b.kept.Used) })
	// A tenth more goes than has to, so that not every content that comes looks at all.
	for _, e := range all {
		if m.KeptBytes+length <= limit-limit/10 {
			break
		}
		held, err := leafblobs.Held(ctx, tx, e.deferred)
		if err != nil {
			return nil, err
		}
		if held {
			m.LeafBlobBytes -= e.kept.Length
		}
		if err := edits.DropKept(ctx, tx, db.Blobs, m, e.deferred, e.kept); err != nil {
			return nil, err
		}
		dropped = append(dropped, e.kept.Blob)
	}
	return dropped, nil
}
