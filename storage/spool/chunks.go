package spool

import (
	"context"
	"iter"
	"slices"
	"strings"

	"settle/storage/couch"
)

// Limit is how much a chunk takes at the most, and the memory of a batch. What is
// larger by itself has a chunk alone.
type Limit struct{ Docs, Bytes int }

// smallBlob is what a content adds to a transaction at the most.
const smallBlob = 32 << 10

// weight estimates what a document takes in memory.
func weight(d *couch.Document) int {
	n := 512 + len(d.ID) + len(d.Body.Text) + len(d.Body.Term) + 48*len(d.Revisions.Hashes)
	for _, a := range d.Attachments {
		n += 256 + len(a.Name) + int(min(a.Length, smallBlob))
	}
	return n
}

// cuts says whether a chunk of so many bytes and documents is full.
func (l Limit) cuts(size, docs int, sameID bool) bool {
	if sameID {
		size, docs = size/2, docs/2
	}
	return size >= l.Bytes || docs >= l.Docs
}

// Many reports whether the batch may be more than one chunk.
func (s *Spool) Many() bool { return s.spilled || len(s.held) > s.o.Limit.Docs }

// Chunks cuts the batch into what transactions take, in the order of ids, those
// of one id in the order of the batch. Documents of one id are in one chunk, unless
// that would be more than twice as large as another. It may be called again. Errors
// are those of the engine, of kind couch.Corrupt where a row is damaged.
func (s *Spool) Chunks(ctx context.Context) iter.Seq2[[]Entry, error] {
	return func(yield func([]Entry, error) bool) {
		var chunk []Entry
		size := 0
		for e, err := range s.sorted(ctx) {
			if err != nil {
				yield(nil, err)
				return
			}
			if n := len(chunk); n > 0 && s.o.Limit.cuts(size, n, e.Doc.ID == chunk[n-1].Doc.ID) {
				if !yield(chunk, nil) {
					return
				}
				chunk, size = nil, 0
			}
			chunk = append(chunk, e)
			size += weight(e.Doc)
		}
		if len(chunk) > 0 {
			yield(chunk, nil)
		}
	}
}

// sorted yields the documents in the order of their ids, those of one id in the
// order of the batch.
func (s *Spool) sorted(ctx context.Context) iter.Seq2[Entry, error] {
	if s.spilled {
		return s.stored(ctx)
	}
	return func(yield func(Entry, error) bool) {
		slices.SortStableFunc(s.held, func(x, y Entry) int { return strings.Compare(string(x.Doc.ID), string(y.Doc.ID)) })
		for _, e := range s.held {
			if !yield(e, nil) {
				return
			}
		}
	}
}
