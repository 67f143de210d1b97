package directory

import (
	"context"

	"settle/storage/kv"
	"settle/storage/schema"
)

// Take gives out a partition that is marked unready, so that the next start removes
// what a crash leaves of it.
func (d *Directory) Take(ctx context.Context, mark schema.Unready) (p kv.Partition, err error) {
	err = d.kv.Update(ctx, schema.DirectoryPartition, func(tx kv.Tx) (err error) {
		p, err = take(ctx, tx, mark)
		return err
	})
	return p, err
}

// Mark marks a partition as unready again, to destroy it.
func (d *Directory) Mark(ctx context.Context, p kv.Partition, mark schema.Unready) error {
	return d.kv.Update(ctx, schema.DirectoryPartition, func(tx kv.Tx) error {
		tx.Set(schema.UnreadyKey(p), mark.Encode())
		return nil
	}, kv.Freeing)
}

// SetReady takes back the mark of partitions that are whole, or of which nothing is left.
func (d *Directory) SetReady(ctx context.Context, ps ...kv.Partition) error {
	return d.kv.Update(ctx, schema.DirectoryPartition, func(tx kv.Tx) error {
		for _, p := range ps {
			tx.Delete(schema.UnreadyKey(p))
		}
		return nil
	})
}

// Left is what a crash has left unready.
type Left struct {
	Whole     []kv.Partition // indexes that their databases name: only the mark is left over
	Owned     []kv.Partition // spools, and indexes that no database names
	Databases []kv.Partition // half made or half dropped
}

// FindUnready reads all marks. The error may be of kind Corrupt.
func (d *Directory) FindUnready(ctx context.Context) (l Left, err error) {
	for row, err := range kv.Pages(ctx, d.view(schema.DirectoryPartition), schema.All(schema.KindUnready)) {
		if err != nil {
			return l, err
		}
		p, ok := schema.ParseUnreadyKey(row.Key)
		mark, err := schema.DecodeUnready(row.Value)
		if err != nil || !ok {
			return l, schema.Corrupt("directory row of an unready partition")
		}
		named, err := d.isNamed(ctx, mark, p)
		switch {
		case err != nil:
			return l, err
		case named:
			l.Whole = append(l.Whole, p)
		case mark.IsOwned():
			l.Owned = append(l.Owned, p)
		default:
			l.Databases = append(l.Databases, p)
		}
	}
	return l, nil
}

// isNamed reports whether the database that a mark tells of has p for its index.
func (d *Directory) isNamed(ctx context.Context, mark schema.Unready, p kv.Partition) (bool, error) {
	if !mark.IsOwned() {
		return false, nil
	}
	var found kv.Partition
	err := d.view(mark.Database)(ctx, func(r kv.Reader) (err error) {
		found, _, err = Index(ctx, r, mark.Index)
		return err
	})
	return found == p, err
}
