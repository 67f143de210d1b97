// Package indexrows shows the partition of an index without the row that says that it is
// one, its head.
package indexrows

import (
	"bytes"
	"context"
	"iter"

	"settle/storage/couch"
	"settle/storage/kv"
	"settle/storage/schema"
)

// Check tells an index from a partition that was one: what is written to a
// dropped partition would be there for ever. The error is ErrNotFound, or of kind Corrupt.
func Check(ctx context.Context, r kv.Reader) error {
	values, err := r.GetMulti(ctx, schema.IndexHeadKey())
	if err != nil {
		return err
	}
	switch head := values[0]; {
	case head == nil:
		return couch.ErrNotFound
	case !bytes.Equal(head, schema.IndexHead()):
		return schema.Corrupt("head of an index")
	}
	return nil
}

// Reader reads the rows of an index without its head.
type Reader struct{ kv.Reader }

// Scan implements kv.Reader.
func (r Reader) Scan(ctx context.Context, rows kv.Range) iter.Seq2[kv.KV, error] {
	rows.Lo = behindHead(rows.Lo)
	return r.Reader.Scan(ctx, rows)
}

func behindHead(key []byte) []byte {
	if first := schema.FirstIndexKey(); bytes.Compare(key, first) < 0 {
		return first
	}
	return key
}

// Tx is a transaction that leaves the head alone.
type Tx struct {
	Reader
	tx  kv.Tx
	err error // a key was not the index's own
}

// NewTx returns a transaction of an index's own rows.
func NewTx(tx kv.Tx) *Tx { return &Tx{Reader: Reader{tx}, tx: tx} }

// Err returns the error of a key that was not the index's own, of kind Internal: the
// transaction is to fail.
func (t *Tx) Err() error { return t.err }

// Set implements kv.Tx.
func (t *Tx) Set(k, v []byte) {
	if t.owns(k) {
		t.tx.Set(k, v)
	}
}

// Delete implements kv.Tx.
func (t *Tx) Delete(k []byte) {
	if t.owns(k) {
		t.tx.Delete(k)
	}
}

// DeleteRange implements kv.Tx.
func (t *Tx) DeleteRange(lo, hi []byte) {
	if lo = behindHead(lo); hi == nil || bytes.Compare(lo, hi) < 0 {
		t.tx.DeleteRange(lo, hi)
	}
}

func (t *Tx) owns(key []byte) bool {
	if bytes.Compare(key, schema.FirstIndexKey()) < 0 {
		t.err = couch.Errorf(couch.Internal, "the key of a row in an index begins with zero")
		return false
	}
	return true
}
