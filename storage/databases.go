package storage

import (
	"context"
	"iter"

	"settle/storage/schema"
)

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
		r := schema.IDRange{Start: o.Start, End: o.End, ExclusiveEnd: o.ExclusiveEnd}.Keys(schema.KindName, o.Descending)
		skip, left := o.Skip, o.Limit
		for name, err := range s.directory.Names(ctx, r) {
			switch {
			case err != nil:
				yield("", schema.DomainError(err))
				return
			case skip > 0:
				skip--
				continue
			case left == 0:
				return
			}
			left--
			if !yield(name, nil) {
				return
			}
		}
	}
}

// DatabasesChanged returns a channel that is closed after a database was made
// or dropped. To miss nothing: take it, list, then wait.
func (s *Store) DatabasesChanged() <-chan struct{} {
	return s.wait(schema.DirectoryPartition)
}
