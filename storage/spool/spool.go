// Package spool keeps the documents of a batch until all have come: in memory as
// long as they fit, else sealed, in a partition of their own. Package schema says
// what the rows hold.
package spool

import (
	"bytes"
	"context"
	"iter"

	"settle/storage/couch"
	"settle/storage/crypt"
	"settle/storage/kv"
	"settle/storage/schema"
)

// Options says where a batch is kept.
type Options struct {
	KV  kv.Store
	Key *crypt.DatabaseKey
	// Reserve gives an empty partition, when one is needed. Whoever made the spool
	// sees to it that it is dropped, after a crash too.
	Reserve func(context.Context) (kv.Partition, error)
	Limit   Limit
}

// Spool is the documents of one batch. It is for one goroutine.
type Spool struct {
	o    Options
	held []Entry // in memory; none once the batch is spilled
	size int     // of held, or of the rows

	spilled   bool
	partition kv.Partition
	rows      []kv.KV // that are not written yet
	longest   int     // plaintext of a row, in bytes
	// pending are the new contents of what is spilled, by the document's place in
	// the batch, in the order of its attachments.
	pending map[int][]couch.PendingBlob
}

// Entry is a document, and its place in the batch, which no other has.
type Entry struct {
	Place int
	Doc   *couch.Document
}

// portion is how many bytes of rows are written at once.
const portion = 1 << 20

// New returns an empty spool.
func New(o Options) *Spool {
	return &Spool{o: o, pending: make(map[int][]couch.PendingBlob)}
}

// Partition returns where the spool's rows are; ok is false where it needs none.
func (s *Spool) Partition() (p kv.Partition, ok bool) { return s.partition, s.spilled }

// Add takes a document, which belongs to the spool from then on. The error is that
// of Reserve or of the engine, in the domain's kinds.
func (s *Spool) Add(ctx context.Context, e Entry) error {
	if s.spilled {
		return s.write(ctx, e)
	}
	s.held = append(s.held, e)
	if s.size += weight(e.Doc); s.size <= s.o.Limit.Bytes {
		return nil
	}
	return s.spill(ctx)
}

// spill moves the batch from memory to a partition.
func (s *Spool) spill(ctx context.Context) (err error) {
	if s.partition, err = s.o.Reserve(ctx); err != nil {
		return schema.DomainError(err)
	}
	s.spilled, s.size = true, 0
	for _, e := range s.held {
		if err := s.write(ctx, e); err != nil {
			return err
		}
	}
	s.held = nil
	return nil
}

// write makes the row of a document, and keeps its new contents.
func (s *Spool) write(ctx context.Context, e Entry) error {
	for _, a := range e.Doc.Attachments {
		if a.Pending != nil {
			s.pending[e.Place] = append(s.pending[e.Place], a.Pending)
		}
	}
	n := uint64(e.Place)
	row, size := schema.SealSpooled(s.o.Key, s.partition, e.Doc, n)
	// The copy is as long as the row; what was sealed has room for all that was
	// compressed.
	row.Value = bytes.Clone(row.Value)
	s.longest = max(s.longest, size)
	s.rows = append(s.rows, row)
	if s.size += len(row.Key) + len(row.Value); s.size < portion {
		return nil
	}
	return s.flush(ctx)
}

// flush writes the rows. What a crash leaves of them does not matter, so that
// nobody waits for the disk.
func (s *Spool) flush(ctx context.Context) error {
	err := s.o.KV.Update(ctx, s.partition, func(tx kv.Tx) error {
		for _, row := range s.rows {
			tx.Set(row.Key, row.Value)
		}
		return nil
	}, kv.Lazy)
	if err == nil {
		s.rows, s.size = nil, 0
	}
	return schema.DomainError(err)
}

// stored yields the documents of the partition, which it reads in pages.
func (s *Spool) stored(ctx context.Context) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		if err := s.flush(ctx); err != nil {
			yield(Entry{}, err)
			return
		}
		for row, err := range kv.Pages(ctx, s.view, kv.Range{}) {
			var e Entry
			if err == nil {
				e, err = s.open(row)
			}
			if !yield(e, err) || err != nil {
				return
			}
		}
	}
}

func (s *Spool) view(ctx context.Context, fn func(kv.Reader) error) error {
	return schema.DomainError(s.o.KV.View(ctx, s.partition, fn))
}

// open returns the document of a row, with its new contents.
func (s *Spool) open(row kv.KV) (Entry, error) {
	doc, pending, err := schema.OpenSpooled(s.o.Key, s.partition, row, s.longest)
	if err != nil {
		return Entry{}, err
	}
	_, n, _ := schema.ParseSpoolKey(row.Key)
	known := s.pending[int(n)]
	if len(known) != len(pending) {
		return Entry{}, schema.Corrupt("spooled document")
	}
	for i, at := range pending {
		doc.Attachments[at].Pending = known[i]
	}
	return Entry{Place: int(n), Doc: doc}, nil
}
