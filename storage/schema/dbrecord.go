package schema

import (
	"encoding/binary"

	"settle/storage/couch"
	"settle/storage/kv"
)

// DBRecord is a row of the directory: where a database is. The row's presence
// is what makes the database exist.
//
//	version        1 byte
//	Partition      8 bytes
//	Incarnation    8 bytes
//	Created        uvarint
//	Partitioned    1 byte: 1 or 0
type DBRecord struct {
	Partition   kv.Partition
	Incarnation couch.Incarnation
	Created     int64 // microseconds since 1970
	Partitioned bool
}

const dbRecordVersion = 1

// Encode returns the row.
func (r DBRecord) Encode() []byte {
	b := append([]byte{dbRecordVersion}, r.Partition[:]...)
	b = append(b, r.Incarnation[:]...)
	b = binary.AppendUvarint(b, uint64(r.Created))
	if r.Partitioned {
		return append(b, 1)
	}
	return append(b, 0)
}

// DecodeDBRecord reads a row. The error is of kind couch.Corrupt.
func DecodeDBRecord(b []byte) (DBRecord, error) {
	d := decoder{b: b}
	d.version(dbRecordVersion)
	var r DBRecord
	copy(r.Partition[:], d.take(8))
	copy(r.Incarnation[:], d.take(8))
	r.Created = int64(d.uvarint())
	r.Partitioned = d.byte() == 1
	if d.bad || len(d.b) != 0 {
		return DBRecord{}, Corrupt("directory row")
	}
	return r, nil
}

// DecodeCounter reads the directory's counter, the last partition number given
// out. The error is of kind couch.Corrupt.
func DecodeCounter(b []byte) (uint64, error) {
	if len(b) != 8 {
		return 0, Corrupt("partition counter")
	}
	return binary.BigEndian.Uint64(b), nil
}

// EncodeCounter returns the directory's counter.
func EncodeCounter(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }
