package storage

import (
	"bytes"
	"context"
	"iter"

	"settle/storage/couch"
	"settle/storage/kv"
	"settle/storage/schema"
)

// IndexView calls fn with a consistent, durable state of an index, which has the
// rows that IndexUpdate wrote and no others. Errors: fn's, ErrDatabaseMissing once
// the database is dropped, ErrNotFound where p is no index, or was dropped.
func (db *Database) IndexView(ctx context.Context, p kv.Partition, fn func(kv.Reader) error) error {
	if err := db.reader(ctx, exists); err != nil {
		return err
	}
	return schema.DomainError(db.store.kv.View(ctx, p, func(r kv.Reader) error {
		if err := checkHead(ctx, r); err != nil {
			return err
		}
		return fn(indexReader{r})
	}))
}

// IndexUpdate runs fn as a transaction of an index. It does not wait for the disk:
// a crash may take back what it has written, the last first. The keys are fn's own,
// but for those that are empty or begin with a zero byte, which are an error of kind
// Internal. Other errors are those of IndexView and NoSpace.
func (db *Database) IndexUpdate(ctx context.Context, p kv.Partition, fn func(kv.Tx) error) error {
	if err := db.reader(ctx, exists); err != nil {
		return err
	}
	return schema.DomainError(db.store.kv.Update(ctx, p, func(tx kv.Tx) error {
		if err := checkHead(ctx, tx); err != nil {
			return err
		}
		own := &indexTx{indexReader: indexReader{tx}, tx: tx}
		if err := fn(own); err != nil {
			return err
		}
		return own.err
	}, kv.Lazy))
}

func exists(kv.Reader) error { return nil }

// checkHead tells an index from a partition that was one: what is written to a
// dropped partition would be there for ever.
func checkHead(ctx context.Context, r kv.Reader) error {
	head, err := getOne(ctx, r, schema.IndexHeadKey())
	switch {
	case err != nil:
		return err
	case head == nil:
		return couch.ErrNotFound
	case !bytes.Equal(head, schema.IndexHead()):
		return schema.Corrupt("head of an index")
	}
	return nil
}

// indexReader reads the rows of an index without its head.
type indexReader struct{ kv.Reader }

// Scan implements kv.Reader.
func (r indexReader) Scan(ctx context.Context, rows kv.Range) iter.Seq2[kv.KV, error] {
	rows.Lo = behindHead(rows.Lo)
	return r.Reader.Scan(ctx, rows)
}

func behindHead(key []byte) []byte {
	if first := schema.FirstIndexKey(); bytes.Compare(key, first) < 0 {
		return first
	}
	return key
}

// indexTx is a transaction that leaves the head alone.
type indexTx struct {
	indexReader
	tx  kv.Tx
	err error // a key was not the index's own
}

// Set implements kv.Tx.
func (t *indexTx) Set(k, v []byte) {
	if t.owns(k) {
		t.tx.Set(k, v)
	}
}

// Delete implements kv.Tx.
func (t *indexTx) Delete(k []byte) {
	if t.owns(k) {
		t.tx.Delete(k)
	}
}

// DeleteRange implements kv.Tx.
func (t *indexTx) DeleteRange(lo, hi []byte) {
	if lo = behindHead(lo); hi == nil || bytes.Compare(lo, hi) < 0 {
		t.tx.DeleteRange(lo, hi)
	}
}

func (t *indexTx) owns(key []byte) bool {
	if bytes.Compare(key, schema.FirstIndexKey()) < 0 {
		t.err = couch.Errorf(couch.Internal, "the key of a row in an index begins with zero")
		return false
	}
	return true
}
