package kv

import "github.com/cockroachdb/pebble/v2"

// tx collects writes in a batch that its reads do not look into.
type tx struct {
	reader
	batch *pebble.Batch
	limit int   // of the batch, in bytes
	grows bool  // it has written something else than deletions
	cuts  bool  // it has written deletions
	err   error // the first error of a write
}

// A batch of 4 GiB makes Pebble panic, and one that is nearly as large has to be held
// twice while it grows.
const maxBatch = 1 << 30

// writeOverhead is what a write takes in a batch, at most, beside keys and value.
const writeOverhead = 16

// Set implements [Tx].
func (t *tx) Set(k, v []byte) {
	t.grows = true
	t.key = dataKey(t.key[:0], t.p, k)
	if t.fits(len(t.key), len(v)) {
		t.keep(t.batch.Set(t.key, v, nil))
	}
}

// Delete implements [Tx].
func (t *tx) Delete(k []byte) {
	t.cuts = true
	t.key = dataKey(t.key[:0], t.p, k)
	if t.fits(len(t.key)) {
		t.keep(t.batch.Delete(t.key, nil))
	}
}

// DeleteRange implements [Tx].
func (t *tx) DeleteRange(lo, hi []byte) {
	t.cuts = true
	if lower, upper, ok := dataBounds(t.p, lo, hi); ok && t.fits(len(lower), len(upper)) {
		t.keep(t.batch.DeleteRange(lower, upper, nil))
	}
}

// fits reports whether there is room for a write of such parts; where there is none the
// transaction has failed, and what was collected is let go.
func (t *tx) fits(sizes ...int) bool {
	size := writeOverhead
	for _, n := range sizes {
		size += n
	}
	if t.err == nil && t.batch.Len()+size > t.limit {
		t.keep(ErrTooLarge)
		t.batch.Reset()
	}
	return t.err == nil
}

func (t *tx) keep(err error) {
	if t.err == nil {
		t.err = err
	}
}

// draw returns what the transaction may take of the reserve.
func (t *tx) draw(freeing bool) draw {
	switch {
	case !t.grows:
		return drawDeleting
	case freeing:
		return drawFreeing
	}
	return drawNothing
}
