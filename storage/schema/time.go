package schema

import (
	"encoding/binary"
	"time"

	"settle/storage/couch"
)

// An Hour is a number of whole hours since 1970. Each hour in which documents were
// written has a row with the first sequence that was given out in it, so that of a
// sequence it is known when it was, to the hour. Compaction forgets the oldest rows.
type Hour uint64

// HourOf returns the hour of a time, 0 for those before 1970.
func HourOf(t time.Time) Hour { return Hour(max(0, t.Unix()) / 3600) }

// TimeKey returns the key of the first sequence of an hour.
func TimeKey(h Hour) []byte {
	return binary.BigEndian.AppendUint64([]byte{KindTime}, uint64(h))
}

// ParseTimeKey is the reverse of TimeKey; ok is false where key is none.
func ParseTimeKey(key []byte) (h Hour, ok bool) {
	if len(key) != 9 || key[0] != KindTime {
		return 0, false
	}
	return Hour(binary.BigEndian.Uint64(key[1:])), true
}

const timeRowVersion = 1

// EncodeTimeRow returns the row of an hour:
//
//	version    1 byte
//	seq        uvarint: every update in that hour, or after it, has this sequence or
//	           a later one
func EncodeTimeRow(seq couch.Seq) []byte {
	return binary.AppendUvarint([]byte{timeRowVersion}, uint64(seq))
}

// DecodeTimeRow reads the row of an hour. The error is of kind couch.Corrupt.
func DecodeTimeRow(b []byte) (couch.Seq, error) {
	d := decoder{b: b}
	d.version(timeRowVersion)
	seq := couch.Seq(d.uvarint())
	if d.bad || len(d.b) != 0 {
		return 0, Corrupt("row of an hour")
	}
	return seq, nil
}
