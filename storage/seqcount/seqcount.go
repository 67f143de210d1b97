// Package seqcount keeps how many rows by-seq has in each block of sequences, on
// several levels, so that counting the rows behind a sequence reads few of them:
// each page of a replication asks for that count. Package schema says where the
// counts are.
package seqcount

import (
	"context"

	"settle/storage/couch"
	"settle/storage/kv"
	"settle/storage/schema"
)

// Counts gathers what one transaction changes. The zero value is ready.
type Counts struct {
	delta map[schema.SeqBlock]int64
}

// Add notes that by-seq gains n rows at a sequence, or loses them.
func (c *Counts) Add(seq couch.Seq, n int64) {
	if c.delta == nil {
		c.delta = make(map[schema.SeqBlock]int64)
	}
	for _, block := range schema.SeqBlocks(seq) {
		c.delta[block] += n
	}
}

// Store writes the changed counts. Call it once, at the transaction's end: the
// counts that it adds to are those from before the transaction. The error is tx's,
// or of kind couch.Corrupt.
func (c *Counts) Store(ctx context.Context, tx kv.Tx) error {
	var blocks []schema.SeqBlock
	var keys [][]byte
	for block, n := range c.delta {
		if n != 0 {
			blocks = append(blocks, block)
			keys = append(keys, block.Key())
		}
	}
	if len(keys) == 0 {
		return nil
	}
	rows, err := tx.GetMulti(ctx, keys...)
	if err != nil {
		return err
	}
	for i, block := range blocks {
		n, err := schema.DecodeSeqCount(rows[i])
		if err != nil {
			return err
		}
		if n += c.delta[block]; n == 0 {
			tx.Delete(keys[i])
		} else {
			tx.Set(keys[i], schema.EncodeSeqCount(n))
		}
	}
	return nil
}

// Behind returns how many rows by-seq has behind a sequence. It adds up the rest
// of the narrow block that the sequence is in, the narrow blocks behind it in the
// wide one, and the wide ones behind that. The error is r's, or of kind
// couch.Corrupt.
func Behind(ctx context.Context, r kv.Reader, since couch.Seq) (int64, error) {
	first := uint64(since) + 1
	end := blockEnd(first, 0)
	total, err := sum(ctx, r, kv.Range{Lo: schema.SeqKey(couch.Seq(first)), Hi: schema.SeqKey(couch.Seq(end))}, one)
	for level, bits := range schema.SeqBlockBits {
		if err != nil {
			return 0, err
		}
		blocks := kv.Range{
			Lo: schema.SeqBlock{Level: byte(level), N: end >> bits}.Key(),
			Hi: schema.SeqBlock{Level: byte(level) + 1}.Key(),
		}
		if level+1 < len(schema.SeqBlockBits) {
			end = blockEnd(end, level+1)
			blocks.Hi = schema.SeqBlock{Level: byte(level), N: end >> bits}.Key()
		}
		var n int64
		n, err = sum(ctx, r, blocks, schema.DecodeSeqCount)
		total += n
	}
	return total, err
}

// sum adds up what count says of the rows of a range.
func sum(ctx context.Context, r kv.Reader, rows kv.Range, count func(value []byte) (int64, error)) (int64, error) {
	var total int64
	for row, err := range r.Scan(ctx, rows) {
		if err != nil {
			return 0, err
		}
		n, err := count(row.Value)
		if err != nil {
			return 0, err
		}
		total += n
	}
	return total, nil
}

func one([]byte) (int64, error) { return 1, nil }

// blockEnd returns the first sequence at or behind seq that begins a block of a
// level.
func blockEnd(seq uint64, level int) uint64 {
	mask := uint64(1)<<schema.SeqBlockBits[level] - 1
	return (seq + mask) &^ mask
}
