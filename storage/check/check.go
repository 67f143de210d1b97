// Package check reads a whole store and says what is wrong with it. It shares
// with package storage what a row is, in package schema, but no way of reading: it
// looks at every row where it lies, so that a mistake of the one shows in the other.
package check

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/cockroachdb/pebble/v2/vfs"

	"settle/attachments"
	"settle/storage/couch"
	"settle/storage/crypt"
	"settle/storage/kv"
	"settle/storage/schema"
)

// Options says what the store stands on, as for storage.Open. All must be set.
type Options struct {
	KV      kv.Store // may be open for reading only
	Keyring *crypt.Keyring
	BlobFS  vfs.FS
	BlobDir string
}

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

// Run reads the whole store and reports every invariant that does not hold: that
// directory, keys and partitions name the same databases and indexes, and of each database
// that by-id, by-seq, trees, bodies, references, blobs and totals agree, that every
// sealed value opens, and that the rows of views are those that their indexes name.
// What a crash leaves for the next start is no finding: databases marked as unready,
// and blob files without a record.
//
// Run writes nothing, and expects that nobody else does meanwhile. report is
// called before Run returns, by its goroutine. The error is one that ended the
// check early, of kind couch.Corrupt where the directory cannot be read.
func Run(ctx context.Context, o Options, report func(Finding)) (Counts, error) {
	c := &checker{
		options: o, report: report, known: make(map[kv.Partition]bool), unready: make(map[kv.Partition]bool), indexed: make(map[kv.Partition]bool),
		blobs: attachments.New(attachments.Options{FS: o.BlobFS, Root: o.BlobDir}),
	}
	for _, step := range []func(context.Context) error{c.directory, c.databases, c.leftIndexes, c.keys, c.partitions} {
		if err := step(ctx); err != nil {
			return c.counts, err
		}
	}
	return c.counts, nil
}

// checker is one run.
type checker struct {
	options Options
	blobs   *attachments.Store
	report  func(Finding)
	counts  Counts
	known   map[kv.Partition]bool // databases, indexes, and those half made or half dropped
	unready map[kv.Partition]bool
	indexed map[kv.Partition]bool
	counter uint64 // the last partition number given out
}

// find reports a finding; db is empty for the store as a whole.
func (c *checker) find(db, format string, args ...any) {
	c.report(Finding{Database: db, What: fmt.Sprintf(format, args...)})
}

// damage reports an error that a damaged row explains, and returns any other.
func (c *checker) damage(db, what string, err error) error {
	if errors.Is(err, couch.ErrCorrupt) {
		c.find(db, "%s cannot be read: %v", what, cause(err))
		return nil
	}
	return err
}

// cause returns what a domain error says to the log.
func cause(err error) error {
	var known *couch.Error
	if errors.As(err, &known) && known.Err != nil {
		return known.Err
	}
	return err
}

// view returns a View of a partition, with the domain's errors.
func (c *checker) view(p kv.Partition) func(context.Context, func(kv.Reader) error) error {
	return func(ctx context.Context, fn func(kv.Reader) error) error {
		return schema.DomainError(c.options.KV.View(ctx, p, fn))
	}
}

// rows yields the rows of a range.
func (c *checker) rows(ctx context.Context, p kv.Partition, r kv.Range) iter.Seq2[kv.KV, error] {
	return kv.Pages(ctx, c.view(p), r)
}

// get returns the value of a key, nil where there is none.
func (c *checker) get(ctx context.Context, p kv.Partition, key []byte) ([]byte, error) {
	var value []byte
	err := c.view(p)(ctx, func(r kv.Reader) error {
		values, err := r.GetMulti(ctx, key)
		if err == nil {
			value = bytes.Clone(values[0])
		}
		return err
	})
	return value, err
}
