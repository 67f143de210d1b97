package schema

import (
	"encoding/binary"

	"settle/storage/couch"
)

// SeqBlock is a block of sequences of which a row tells how many rows by-seq has
// in it. It holds the sequences that, shifted right by the level's bits, are N.
//
//	key    'n', level (1), N (8)
//	value  rows, varint, above zero: there is no row for an empty block
type SeqBlock struct {
	Level byte
	N     uint64
}

// SeqBlockBits are the widths of the levels, in bits, the narrow one first.
var SeqBlockBits = [...]uint{10, 20}

// SeqBlocks returns the block of each level that a sequence is in.
func SeqBlocks(seq couch.Seq) [len(SeqBlockBits)]SeqBlock {
	var blocks [len(SeqBlockBits)]SeqBlock
	for level, bits := range SeqBlockBits {
		blocks[level] = SeqBlock{byte(level), uint64(seq) >> bits}
	}
	return blocks
}

// Key returns the key of the block's row.
func (b SeqBlock) Key() []byte {
	return binary.BigEndian.AppendUint64([]byte{KindSeqCount, b.Level}, b.N)
}

// EncodeSeqCount returns the row of a block that has n rows.
func EncodeSeqCount(n int64) []byte { return binary.AppendVarint(nil, n) }

// DecodeSeqCount reads the row of a block; nil, where there is none, says 0. The
// error is of kind couch.Corrupt.
func DecodeSeqCount(row []byte) (int64, error) {
	if row == nil {
		return 0, nil
	}
	n, size := binary.Varint(row)
	if size <= 0 || size != len(row) || n <= 0 {
		return 0, Corrupt("sequence count")
	}
	return n, nil
}
