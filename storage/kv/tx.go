package kv

import "github.com/cockroachdb/pebble/v2"

// tx collects writes in a batch that its reads do not look into.
type tx struct {
	reader
	batch *pebble.Batch
	grows bool  // it has written something else than deletions
	err   error // the first error of a write
}

// Set implements [Tx].
func (t *tx) Set(k, v []byte) {
	t.grows = true
	t.key = dataKey(t.key[:0], t.p, k)
	t.keep(t.batch.Set(t.key, v, nil))
}

// Delete implements [Tx].
func (t *tx) Delete(k []byte) {
	t.key = dataKey(t.key[:0], t.p, k)
	t.keep(t.batch.Delete(t.key, nil))
}

// DeleteRange implements [Tx].
func (t *tx) DeleteRange(lo, hi []byte) {
	if lower, upper, ok := dataBounds(t.p, lo, hi); ok {
		t.keep(t.batch.DeleteRange(lower, upper, nil))
	}
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
