package storage

import (
	"context"
	"encoding/binary"

	"settle/storage/couch"
	"settle/storage/kv"
)

// seqCounts keeps how many rows by-seq has in each block of sequences, on two
// levels, so that counting the rows behind a sequence reads few of them. Each
// page of a replication asks for that count.
type seqCounts struct {
	delta map[seqBlock]int64
}

// seqBlock is one block of a level: the sequences whose number, shifted by the
// level's width, is n.
type seqBlock struct {
	level byte
	n     uint64
}

// seqLevels are the widths of the levels, in bits, the narrow one first.
var seqLevels = [...]uint{10, 20}

func (b seqBlock) key() []byte {
	return binary.BigEndian.AppendUint64([]byte{keySeqCount, b.level}, b.n)
}

// add notes that by-seq gains (or loses) rows at a sequence.
func (c *seqCounts) add(seq couch.Seq, n int64) {
	if c.delta == nil {
		c.delta = make(map[seqBlock]int64)
	}
	for level, bits := range seqLevels {
		c.delta[seqBlock{byte(level), uint64(seq) >> bits}] += n
	}
}

// store writes the changed counts.
func (c *seqCounts) store(ctx context.Context, tx kv.Tx) error {
	var blocks []seqBlock
	var keys [][]byte
	for block, n := range c.delta {
		if n != 0 {
			blocks = append(blocks, block)
			keys = append(keys, block.key())
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
		n, err := decodeCount(rows[i])
		if err != nil {
			return err
		}
		if n += c.delta[block]; n == 0 {
			tx.Delete(keys[i])
		} else {
			tx.Set(keys[i], binary.AppendVarint(nil, n))
		}
	}
	return nil
}

func decodeCount(row []byte) (int64, error) {
	if row == nil {
		return 0, nil
	}
	n, size := binary.Varint(row)
	if size != len(row) || n < 0 {
		return 0, corrupt("sequence count")
	}
	return n, nil
}

// PendingChanges returns how many rows the changes feed has behind a sequence.
func (db *Database) PendingChanges(ctx context.Context, since couch.Seq) (int64, error) {
	var n int64
	err := db.view(ctx, func(r kv.Reader, _ *meta) error {
		var err error
		n, err = countBehind(ctx, r, since)
		return err
	})
	return n, err
}

// countBehind adds up the rest of the narrow block that the sequence is in, the
// narrow blocks behind it in the wide one, and the wide ones behind that.
func countBehind(ctx context.Context, r kv.Reader, since couch.Seq) (int64, error) {
	first := uint64(since) + 1
	var total int64
	end := blockEnd(first, seqLevels[0])
	for _, err := range r.Scan(ctx, kv.Range{Lo: seqKey(couch.Seq(first)), Hi: seqKey(couch.Seq(end))}) {
		if err != nil {
			return 0, err
		}
		total++
	}
	for level, bits := range seqLevels {
		lo, hi := seqBlock{byte(level), end >> bits}.key(), seqBlock{byte(level) + 1, 0}.key()
		if level+1 < len(seqLevels) {
			end = blockEnd(end, seqLevels[level+1])
			hi = seqBlock{byte(level), end >> bits}.key()
		}
		for row, err := range r.Scan(ctx, kv.Range{Lo: lo, Hi: hi}) {
			if err != nil {
				return 0, err
			}
			n, err := decodeCount(row.Value)
			if err != nil {
				return 0, err
			}
			total += n
		}
	}
	return total, nil
}

// blockEnd returns the first sequence at or behind seq that begins a block.
func blockEnd(seq uint64, bits uint) uint64 {
	mask := uint64(1)<<bits - 1
	return (seq + mask) &^ mask
}
