package attachments

import (
	"context"
	"errors"

	"settle/storage/couch"
	"settle/storage/kv"
)

// Existing says for each blob of a database, in order, whether there is a record
// of it ([Blobs.Exist]). Its error is couch.ErrDatabaseMissing where there is no
// such database; it is asked so without ids, too.
type Existing func(ctx context.Context, p kv.Partition, ids []couch.BlobID) ([]bool, error)

// Swept says what Sweep removed.
type Swept struct {
	Files     int // without a record
	Databases int // directories of databases that are no more
}

// Sweep removes the files that no record names, and the directories of databases
// that do not exist: what a crash, or a failed removal, has left. Blobs that this
// process is writing, or has not committed yet, stay. It never touches a name
// that is none of the blob store's, and may run beside everything else. It goes
// on with the next database after an error, and returns the first one.
func (s *Store) Sweep(ctx context.Context, existing Existing) (Swept, error) {
	var swept Swept
	names, err := s.list(s.root)
	if err != nil {
		return swept, fileError(err)
	}
	var first error
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return swept, err
		}
		p, ok := parsePartition(name)
		if !ok {
			continue
		}
		if err := s.sweepDatabase(ctx, p, existing, &swept); err != nil && first == nil {
			first = err
		}
	}
	return swept, first
}

func (s *Store) sweepDatabase(ctx context.Context, p kv.Partition, existing Existing, swept *Swept) error {
	busy := s.busy(p)
	_, err := existing(ctx, p, nil)
	if errors.Is(err, couch.ErrDatabaseMissing) {
		if busy {
			return nil
		}
		swept.Databases++
		return s.DropDatabase(p)
	}
	if err != nil {
		return err
	}
	err = s.sweepFiles(ctx, p, existing, swept)
	if errors.Is(err, couch.ErrDatabaseMissing) {
		return nil // dropped meanwhile, and its files with it
	}
	return err
}

func (s *Store) sweepFiles(ctx context.Context, p kv.Partition, existing Existing, swept *Swept) error {
	return s.files(p, func(ids []couch.BlobID) error {
		orphans, err := s.orphans(ctx, ids, p, existing)
		for _, id := range orphans {
			if err := s.remove(p, id); err != nil {
				return err
			}
			swept.Files++
		}
		return err
	})
}

// orphans returns those of the files ids that have no record. What is in flight
// is left out before the records are read: a blob that is committed in between
// has its record by then.
func (s *Store) orphans(ctx context.Context, ids []couch.BlobID, p kv.Partition, existing Existing) ([]couch.BlobID, error) {
	ids = s.settled(p, ids)
	if len(ids) == 0 {
		return nil, ctx.Err()
	}
	exist, err := existing(ctx, p, ids)
	if err != nil {
		return nil, err
	}
	var out []couch.BlobID
	for i, id := range ids {
		if !exist[i] {
			out = append(out, id)
		}
	}
	return out, nil
}
