package storage

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"

	"settle/storage/couch"
	"settle/storage/kv"
)

// Finding is something that is wrong with a store.
type Finding struct {
	Database string // empty: the store as a whole
	What     string
}

// String returns the finding as one line.
func (f Finding) String() string {
	if f.Database == "" {
		return f.What
	}
	return fmt.Sprintf("%s: %s", f.Database, f.What)
}

// Counts is what a check has seen.
type Counts struct {
	Databases, Documents, Deleted, Revisions, LocalDocs, Blobs int64
	Bytes                                                      int64 // plaintext of bodies and blobs
}

// Check reads the whole store and reports every invariant that does not hold:
// that directory, keys and partitions name the same databases, and of each
// database that by-id, by-seq, trees, bodies, references, blobs and totals
// agree, and that every sealed value opens. It writes nothing, and expects that
// nobody else does meanwhile. The error is one that ended the check early.
func (s *Store) Check(ctx context.Context, report func(Finding)) (Counts, error) {
	c := &checker{store: s, report: report, known: make(map[kv.Partition]bool)}
	if err := c.directory(ctx); err != nil {
		return c.counts, err
	}
	for name, err := range s.Databases(ctx, NameRange{Limit: -1}) {
		if err != nil {
			return c.counts, err
		}
		if err := c.database(ctx, name); err != nil {
			return c.counts, err
		}
	}
	return c.counts, c.strays(ctx)
}

type checker struct {
	store  *Store
	report func(Finding)
	counts Counts
	known  map[kv.Partition]bool // databases, and those half made or half dropped
}

func (c *checker) find(db, format string, args ...any) {
	c.report(Finding{Database: db, What: fmt.Sprintf(format, args...)})
}

// directory reads the rows of the directory.
func (c *checker) directory(ctx context.Context) error {
	var highest uint64
	var counter uint64
	for row, err := range pages(ctx, c.store.view(directoryPartition), kv.Range{}) {
		if err != nil {
			return err
		}
		switch row.Key[0] {
		case dirCounter:
			counter = binary.BigEndian.Uint64(row.Value)
			continue
		case dirUnready:
			c.enter("", kv.Partition(row.Key[1:]), &highest)
		case dirName:
			name := string(row.Key[1:])
			rec, err := decodeDBRecord(row.Value)
			if err != nil {
				c.find(name, "its directory row cannot be read")
				continue
			}
			c.enter(name, rec.partition, &highest)
		default:
			c.find("", "the directory has a row of no known kind")
		}
	}
	if highest > counter {
		c.find("", "the directory has given out partition %d, but counts only %d", highest, counter)
	}
	return nil
}

func (c *checker) enter(name string, p kv.Partition, highest *uint64) {
	if c.known[p] {
		c.find(name, "shares its partition with another database")
	}
	c.known[p] = true
	*highest = max(*highest, binary.BigEndian.Uint64(p[:]))
}

// strays looks for keys and partitions that belong to no database.
func (c *checker) strays(ctx context.Context) error {
	for row, err := range pages(ctx, c.store.view(keysPartition), kv.Range{}) {
		if err != nil {
			return err
		}
		if len(row.Key) != 8 || !c.known[kv.Partition(row.Key)] {
			c.find("", "a database key belongs to no database")
		}
	}
	for p, err := range c.partitions(ctx) {
		if err != nil {
			return err
		}
		if binary.BigEndian.Uint64(p[:]) >= firstDatabase && !c.known[p] {
			c.find("", "partition %x belongs to no database", p)
		}
	}
	return nil
}

func (c *checker) partitions(ctx context.Context) iter.Seq2[kv.Partition, error] {
	return func(yield func(kv.Partition, error) bool) {
		var last kv.Partition
		for {
			ps, err := c.store.kv.Partitions(ctx, last, pageRows)
			if err != nil {
				yield(kv.Partition{}, domainError(err))
				return
			}
			for _, p := range ps {
				if !yield(p, nil) {
					return
				}
				last = p
			}
			if len(ps) < pageRows {
				return
			}
		}
	}
}

func (c *checker) database(ctx context.Context, name string) error {
	db, err := c.store.Database(ctx, name)
	if err == nil {
		c.counts.Databases++
		d := &dbChecker{checker: c, db: db}
		err = d.run(ctx)
	}
	return c.damage(name, "it", err)
}

// damage reports an error that a damaged row explains, and returns any other.
func (c *checker) damage(name, what string, err error) error {
	if errors.Is(err, couch.ErrCorrupt) || errors.Is(err, couch.ErrDatabaseMissing) {
		c.find(name, "%s cannot be read: %v", what, err)
		return nil
	}
	return err
}
