package storage

import (
	"context"
	"encoding/binary"
	"iter"

	"settle/storage/couch"
	"settle/storage/kv"
)

// dbRecord is a row of the directory: where a database is. The row's presence
// is what makes the database exist.
type dbRecord struct {
	partition   kv.Partition
	incarnation couch.Incarnation
	created     int64 // microseconds since 1970
	partitioned bool
}

const dbRecordVersion = 1

func (r dbRecord) encode() []byte {
	b := append([]byte{dbRecordVersion}, r.partition[:]...)
	b = append(b, r.incarnation[:]...)
	b = binary.AppendUvarint(b, uint64(r.created))
	if r.partitioned {
		return append(b, 1)
	}
	return append(b, 0)
}

func decodeDBRecord(b []byte) (dbRecord, error) {
	d := decoder{b: b}
	d.version(dbRecordVersion)
	var r dbRecord
	copy(r.partition[:], d.take(8))
	copy(r.incarnation[:], d.take(8))
	r.created = int64(d.uvarint())
	r.partitioned = d.byte() == 1
	if d.bad || len(d.b) != 0 {
		return dbRecord{}, corrupt("directory row")
	}
	return r, nil
}

func nameKey(name string) []byte { return append([]byte{dirName}, name...) }

func unreadyKey(p kv.Partition) []byte { return append([]byte{dirUnready}, p[:]...) }

// lookup returns the record of a database, ErrDatabaseMissing where there is none.
func (s *Store) lookup(ctx context.Context, name string) (dbRecord, error) {
	var rec dbRecord
	err := s.kv.View(ctx, directoryPartition, func(r kv.Reader) error {
		row, err := getOne(ctx, r, nameKey(name))
		if err != nil {
			return err
		}
		if row == nil {
			return couch.ErrDatabaseMissing
		}
		rec, err = decodeDBRecord(row)
		return err
	})
	return rec, domainError(err)
}

// NameRange says which database names to list, in the order of their bytes.
type NameRange struct {
	Start, End   *string // nil: from the first, to the last; in the order of reading
	ExclusiveEnd bool
	Descending   bool
	Skip         int
	Limit        int // negative: no limit
}

// Databases yields the names of a range. It holds nothing between two names, so
// that one made or dropped meanwhile may be seen or not.
func (s *Store) Databases(ctx context.Context, o NameRange) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		r := idRange{start: o.Start, end: o.End, exclusiveEnd: o.ExclusiveEnd}.keys(dirName, o.Descending)
		skip, left := o.Skip, o.Limit
		for row, err := range pages(ctx, s.view(directoryPartition), r) {
			switch {
			case err != nil:
				yield("", err)
				return
			case skip > 0:
				skip--
				continue
			case left == 0:
				return
			}
			left--
			if !yield(string(row.Key[1:]), nil) {
				return
			}
		}
	}
}

// DatabasesChanged returns a channel that is closed after a database was made
// or dropped. To miss nothing: take it, list, then wait.
func (s *Store) DatabasesChanged() <-chan struct{} {
	return s.wait(directoryPartition)
}
