// Package purges keeps the list of what was asked to be purged from a database: in
// the order of the requests, to forget the oldest, and in the order of ids, to be
// shown. Package schema says where the rows are.
package purges

import (
	"context"
	"iter"

	"settle/storage/couch"
	"settle/storage/kv"
	"settle/storage/schema"
)

// forgetAtOnce bounds how many purges one transaction forgets, beside as many
// as it adds.
const forgetAtOnce = 1000

// Note remembers purges, in the transaction that makes them, numbers them in m, and
// forgets the oldest ones where there are more than m allows. It is called once in a
// transaction. The error is tx's, or of kind couch.Corrupt.
func Note(ctx context.Context, tx kv.Tx, m *schema.Meta, asks []couch.RevsAsk) error {
	last := m.PurgeSeq + uint64(len(asks))
	for _, ask := range asks {
		m.PurgeSeq++
		if n := m.PurgeSeq; n+m.PurgeLimit > last {
			row := schema.NewPurgeRow(ask.ID, ask.Revs)
			tx.Set(schema.PurgeKey(n), row.Encode())
			tx.Set(row.PurgedKey(n), nil)
		}
	}
	old := kv.Range{Lo: schema.All(schema.KindPurge).Lo, Limit: forgetAtOnce + len(asks)}
	old.Hi = schema.PurgeKey(last - min(last, m.PurgeLimit) + 1)
	for kvRow, err := range tx.Scan(ctx, old) {
		if err != nil {
			return err
		}
		row, err := schema.DecodePurgeRow(kvRow.Value)
		n, ok := schema.ParsePurgeKey(kvRow.Key)
		if err != nil || !ok {
			return schema.Corrupt("purge row")
		}
		tx.Delete(kvRow.Key)
		tx.Delete(row.PurgedKey(n))
	}
	return nil
}

// All yields the purges that are remembered: what each was asked to remove of a
// document, in the order of ids and revisions. It reads in pages, each a view of the
// database. Errors are view's, or of kind couch.Corrupt.
func All(ctx context.Context, view func(context.Context, func(kv.Reader) error) error) iter.Seq2[couch.Purged, error] {
	return func(yield func(couch.Purged, error) bool) {
		for kvRow, err := range kv.Pages(ctx, view, schema.All(schema.KindPurged)) {
			var info couch.Purged
			if err == nil {
				info, err = decode(kvRow.Key)
			}
			if !yield(info, err) || err != nil {
				return
			}
		}
	}
}

func decode(key []byte) (couch.Purged, error) {
	row, n, ok := schema.ParsePurgedKey(key)
	if !ok {
		return couch.Purged{}, schema.Corrupt("key of a purge")
	}
	return couch.Purged{ID: row.ID, Revs: row.Revs, Number: n}, nil
}
