package kv

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"settle/storage/crypt"
)

// errReaderEnded: a Reader was used behind its View or Update.
var errReaderEnded = errors.New("kv: the transaction of this reader has ended")

// reader reads one partition through an iterator, which pins the state it was
// made in. Unlike a Pebble snapshot, an iterator keeps compactions from nothing.
type reader struct {
	db    *pebble.DB
	p     Partition
	base  *pebble.Iterator // over the whole partition; nil until the first read
	key   []byte           // scratch
	ended bool
}

// pin takes the state that the reader reads, once.
func (r *reader) pin(ctx context.Context) error {
	if r.ended {
		return errReaderEnded
	}
	if r.base != nil {
		return nil
	}
	it, err := r.db.NewIterWithContext(ctx, &pebble.IterOptions{
		LowerBound: dataKey(nil, r.p, nil),
		UpperBound: dataEnd(r.p),
		// Much of what a replicator asks for is not there.
		UseL6Filters: true,
	})
	if err != nil {
		return readError(err)
	}
	r.base = it
	return nil
}

// end closes the iterator. The reader fails from now on.
func (r *reader) end() {
	r.ended = true
	if r.base != nil {
		_ = r.base.Close()
		r.base = nil
	}
}

// GetMulti implements [Reader].
func (r *reader) GetMulti(ctx context.Context, keys ...[]byte) ([][]byte, error) {
	if err := r.pin(ctx); err != nil {
		return nil, err
	}
	values, err := r.neighbours(ctx, keys)
	if err != nil {
		return nil, err
	}
	for _, key := range keys[len(values):] {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		r.key = dataKey(r.key[:0], r.p, key)
		v, err := seekValue(r.base, r.key)
		if err != nil {
			return nil, err
		}
		values = append(values, v)
	}
	return values, nil
}

// manyKeys is of how many keys on it is worth a seek to see whether they are neighbours.
const manyKeys = 8

// neighbours returns the values of those first keys whose rows lie beside each other:
// a step costs a fraction of a seek.
func (r *reader) neighbours(ctx context.Context, keys [][]byte) (values [][]byte, err error) {
	values = make([][]byte, 0, len(keys))
	if len(keys) < manyKeys {
		return values, nil
	}
	r.key = dataKey(r.key[:0], r.p, keys[0])
	for ok := r.base.SeekGE(r.key); ok && bytes.Equal(r.base.Key(), r.key); ok = r.base.Next() {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		v, err := copyValue(r.base)
		if err != nil {
			return nil, err
		}
		if values = append(values, v); len(values) == len(keys) {
			break
		}
		r.key = dataKey(r.key[:0], r.p, keys[len(values)])
	}
	return values, readError(r.base.Error())
}

// seekValue returns a copy of the value under key, or nil.
func seekValue(it *pebble.Iterator, key []byte) ([]byte, error) {
	if !it.SeekPrefixGE(key) {
		return nil, readError(it.Error())
	}
	return copyValue(it)
}

// copyValue returns a copy, never nil, of the value at the iterator.
func copyValue(it *pebble.Iterator) ([]byte, error) {
	v, err := it.ValueAndErr()
	if err != nil {
		return nil, readError(err)
	}
	return append(make([]byte, 0, len(v)), v...), nil
}

// Scan implements [Reader].
func (r *reader) Scan(ctx context.Context, rg Range) iter.Seq2[KV, error] {
	return func(yield func(KV, error) bool) {
		lower, upper, ok := dataBounds(r.p, rg.Lo, rg.Hi)
		if err := r.pin(ctx); err != nil {
			yield(KV{}, err)
			return
		}
		if !ok {
			return
		}
		it, err := r.base.CloneWithContext(ctx, pebble.CloneOptions{
			IterOptions: &pebble.IterOptions{LowerBound: lower, UpperBound: upper},
		})
		if err != nil {
			yield(KV{}, readError(err))
			return
		}
		defer it.Close()
		if err := scan(ctx, it, rg, yield); err != nil {
			yield(KV{}, err)
		}
	}
}

// scan yields the rows between the iterator's bounds. When yield asks to stop
// it returns nil.
func scan(ctx context.Context, it *pebble.Iterator, rg Range, yield func(KV, error) bool) error {
	first, next := it.First, it.Next
	if rg.Reverse {
		first, next = it.Last, it.Prev
	}
	for n, ok := 0, first(); ok; ok = next() {
		if err := ctx.Err(); err != nil {
			return err
		}
		v, err := it.ValueAndErr()
		if err != nil {
			return readError(err)
		}
		key := it.Key()[prefixLen:]
		if !yield(KV{Key: slices.Clip(key), Value: slices.Clip(v)}, nil) {
			return nil
		}
		if n++; n == rg.Limit {
			return nil
		}
	}
	return readError(it.Error())
}

// readError gives what Pebble says of damaged files its name here.
func readError(err error) error {
	if err != nil && (pebble.IsCorruptionError(err) || errors.Is(err, crypt.ErrDamaged)) {
		return fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return err
}
