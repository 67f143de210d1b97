package schema

import (
	"encoding/binary"
	"slices"

	"settle/storage/couch"
)

// PurgeRow is what a purge was asked to remove of one document, whether or not
// it was there. The rows are numbered; Meta.PurgeSeq is the newest one's number.
//
//	version    1 byte
//	ID         bytes
//	Revs       uvarint number, so many revisions, ascending
type PurgeRow struct {
	ID   couch.DocID
	Revs []couch.RevID // ascending
}

const purgeRowVersion = 1

// NewPurgeRow returns the row of a purge. It does not keep revs.
func NewPurgeRow(id couch.DocID, revs []couch.RevID) *PurgeRow {
	return &PurgeRow{ID: id, Revs: slices.SortedFunc(slices.Values(revs), couch.RevID.Compare)}
}

// Encode returns the row.
func (r *PurgeRow) Encode() []byte {
	b := appendBytes([]byte{purgeRowVersion}, r.ID)
	b = binary.AppendUvarint(b, uint64(len(r.Revs)))
	for _, rev := range r.Revs {
		b = appendRevID(b, rev)
	}
	return b
}

// DecodePurgeRow reads a row. The error is of kind couch.Corrupt.
func DecodePurgeRow(b []byte) (*PurgeRow, error) {
	d := decoder{b: b}
	d.version(purgeRowVersion)
	r := &PurgeRow{ID: couch.DocID(d.string())}
	for n := d.uvarint(); n > 0 && !d.bad; n-- {
		r.Revs = append(r.Revs, d.rev())
	}
	if d.bad || len(d.b) != 0 {
		return nil, Corrupt("purge row")
	}
	return r, nil
}

// PurgeKey returns the key of a purge by its number.
func PurgeKey(n uint64) []byte { return binary.BigEndian.AppendUint64([]byte{KindPurge}, n) }

// ParsePurgeKey is the reverse of PurgeKey; ok is false where key is none.
func ParsePurgeKey(key []byte) (n uint64, ok bool) {
	if len(key) != 9 || key[0] != KindPurge {
		return 0, false
	}
	return binary.BigEndian.Uint64(key[1:]), true
}

// PurgedKey returns the key of a purge by what it says, so that the rows are in
// the order of ids, then revisions, then numbers:
//
//	'q', id (escaped), for each revision: 1, gen (8), hash (escaped); 0, number (8)
func (r *PurgeRow) PurgedKey(n uint64) []byte {
	b := appendEscaped([]byte{KindPurged}, r.ID)
	for _, rev := range r.Revs {
		b = binary.BigEndian.AppendUint64(append(b, 1), rev.Gen)
		b = appendEscaped(b, couch.DocID(rev.Hash))
	}
	return binary.BigEndian.AppendUint64(append(b, 0), n)
}

// ParsePurgedKey is the reverse of PurgedKey; ok is false where key is none.
func ParsePurgedKey(key []byte) (r *PurgeRow, n uint64, ok bool) {
	if len(key) == 0 || key[0] != KindPurged {
		return nil, 0, false
	}
	id, rest, ok := cutEscaped(key[1:])
	r = &PurgeRow{ID: id}
	for ok && len(rest) >= 9 && rest[0] == 1 {
		rev := couch.RevID{Gen: binary.BigEndian.Uint64(rest[1:])}
		var hash couch.DocID
		hash, rest, ok = cutEscaped(rest[9:])
		rev.Hash = string(hash)
		r.Revs = append(r.Revs, rev)
	}
	if !ok || len(rest) != 9 || rest[0] != 0 {
		return nil, 0, false
	}
	return r, binary.BigEndian.Uint64(rest[1:]), true
}
