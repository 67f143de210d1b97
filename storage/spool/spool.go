// Package spool keeps the documents of a batch that is too large for memory,
// sealed, in a partition of their own, and gives them back in the order of their
// ids. Whoever makes a spool sees to it that the partition is dropped, after a
// crash too. Package schema says what the rows hold.
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

// Spool is the documents of one batch. It is for one goroutine.
type Spool struct {
	kv        kv.Store
	key       *crypt.DatabaseKey
	partition kv.Partition

	rows []kv.KV // that are not written yet
	size int     // of rows
	// pending are the new contents, by the document's place in the batch, in the
	// order of its attachments.
	pending map[int][]couch.PendingBlob
}

// portion is how many bytes of rows are written at once.
const portion = 1 << 20

// New returns an empty spool in a partition that holds nothing.
func New(store kv.Store, key *crypt.DatabaseKey, p kv.Partition) *Spool {
	return &Spool{kv: store, key: key, partition: p, pending: make(map[int][]couch.PendingBlob)}
}

// Partition returns where the spool's rows are.
func (s *Spool) Partition() kv.Partition { return s.partition }

// Add takes a document and its place in the batch, which no other document has.
// It keeps the pending contents of the attachments, and nothing else of d. Errors
// are those of the engine, in the domain's kinds.
func (s *Spool) Add(ctx context.Context, place int, d *couch.Document) error {
	for _, a := range d.Attachments {
		if a.Pending != nil {
			s.pending[place] = append(s.pending[place], a.Pending)
		}
	}
	n := uint64(place)
	// The copy is as long as the row; what was sealed has room for all that was
	// compressed.
	sealed := bytes.Clone(schema.SealSpooled(s.key, s.partition, d, n))
	row := kv.KV{Key: schema.SpoolKey(d.ID, n), Value: sealed}
	s.rows = append(s.rows, row)
	if s.size += len(row.Key) + len(row.Value); s.size < portion {
		return nil
	}
	return s.flush(ctx)
}

// flush writes the rows. What a crash leaves of them does not matter, so that
// nobody waits for the disk.
func (s *Spool) flush(ctx context.Context) error {
	err := s.kv.Update(ctx, s.partition, func(tx kv.Tx) error {
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

// Entry is a document, and its place in the batch.
type Entry struct {
	Place int
	Doc   *couch.Document // the receiver's
}

// All yields the documents in the order of their ids, those of one id in the
// order of the batch. It reads in pages, and may be called again. Errors are
// those of the engine, of kind couch.Corrupt where a row is damaged.
func (s *Spool) All(ctx context.Context) iter.Seq2[Entry, error] {
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
	return schema.DomainError(s.kv.View(ctx, s.partition, fn))
}

// open returns the document of a row, with its new contents.
func (s *Spool) open(row kv.KV) (Entry, error) {
	doc, pending, err := schema.OpenSpooled(s.key, s.partition, row)
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
