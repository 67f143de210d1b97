package redtree

import (
	"encoding/binary"
	"math"

	"settle/storage/couch"
)

var errDamaged = couch.Errorf(couch.Corrupt, "Stored data is damaged: summary")

const summaryVersion = 1

// Append appends the summary's stored form:
//
//	version   1 byte
//	Rows      uvarint
//	States    uvarint number, so many times a uvarint length and so many bytes
func (s Summary) Append(dst []byte) []byte {
	dst = binary.AppendUvarint(append(dst, summaryVersion), uint64(s.Rows))
	dst = binary.AppendUvarint(dst, uint64(len(s.States)))
	for _, state := range s.States {
		dst = append(binary.AppendUvarint(dst, uint64(len(state))), state...)
	}
	return dst
}

// CutSummary reads what Append wrote at the beginning of b, whose bytes it keeps,
// and returns what is behind it. The error is of kind couch.Corrupt.
func CutSummary(b []byte) (s Summary, rest []byte, err error) {
	if len(b) == 0 || b[0] != summaryVersion {
		return Summary{}, nil, errDamaged
	}
	rows, b, ok := cutUvarint(b[1:])
	n, b, ok2 := cutUvarint(b)
	if !ok || !ok2 || rows > math.MaxInt64 || n > uint64(len(b)) {
		return Summary{}, nil, errDamaged
	}
	s.Rows = int64(rows)
	for range n {
		var size uint64
		if size, b, ok = cutUvarint(b); !ok || size > uint64(len(b)) {
			return Summary{}, nil, errDamaged
		}
		s.States = append(s.States, b[:size:size])
		b = b[size:]
	}
	return s, b, nil
}

func cutUvarint(b []byte) (uint64, []byte, bool) {
	v, n := binary.Uvarint(b)
	if n <= 0 {
		return 0, nil, false
	}
	return v, b[n:], true
}

func decodeSummary(b []byte) (Summary, error) {
	s, rest, err := CutSummary(b)
	if err == nil && len(rest) > 0 {
		err = errDamaged
	}
	return s, err
}
