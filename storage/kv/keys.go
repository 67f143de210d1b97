package kv

import (
	"bytes"
	"encoding/binary"
)

// Every Pebble key begins with one byte that tells the keyspace, so that a
// partition, which is any 8 bytes, never meets the engine's own rows.
const (
	tagMeta    = 0x01 // the engine's own rows
	tagVersion = 0x02 // partition (8) → version, 8 bytes big endian
	tagData    = 0x03 // partition (8) | key → value
)

const prefixLen = 1 + len(Partition{})

// versionCeilingKey holds the first number that no commit of an earlier run used.
var versionCeilingKey = []byte{tagMeta, 'v'}

// dataKey appends the Pebble key of a row to dst.
func dataKey(dst []byte, p Partition, key []byte) []byte {
	dst = append(dst, tagData)
	dst = append(dst, p[:]...)
	return append(dst, key...)
}

// dataEnd is the first key behind the rows of p.
func dataEnd(p Partition) []byte {
	end := append([]byte{tagData}, p[:]...)
	for i := len(end) - 1; ; i-- {
		end[i]++
		if end[i] != 0 {
			return end
		}
	}
}

// dataBounds translates a half-open range of a partition, nil being open, and
// reports whether it can hold a key at all.
func dataBounds(p Partition, lo, hi []byte) (lower, upper []byte, ok bool) {
	lower = dataKey(make([]byte, 0, prefixLen+len(lo)), p, lo)
	if hi == nil {
		return lower, dataEnd(p), true
	}
	upper = dataKey(make([]byte, 0, prefixLen+len(hi)), p, hi)
	return lower, upper, bytes.Compare(lower, upper) < 0
}

func versionKey(p Partition) []byte {
	return append([]byte{tagVersion}, p[:]...)
}

func encodeVersion(v uint64) []byte {
	return binary.BigEndian.AppendUint64(nil, v)
}

// decodeVersion reads a version row, and reports whether it is one.
func decodeVersion(b []byte) (uint64, bool) {
	if len(b) != 8 {
		return 0, false
	}
	return binary.BigEndian.Uint64(b), true
}
