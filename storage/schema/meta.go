package schema

import (
	"encoding/binary"

	"settle/storage/couch"
)

// Meta is what a database counts. It is one row, read and written by every
// transaction that changes the database; without it the database is gone.
//
//	version                         1 byte
//	UpdateSeq, PurgeSeq, RevsLimit, PurgeLimit
//	                                uvarint each
//	DocCount, DeletedCount, ActiveBytes, BodyBytes, BlobBytes, Blobs
//	                                varint each
//	DesignSeq                       uvarint
//	AttBytes                        varint
//	MaxBytes                        uvarint
//	DeferredBytes, KeptBytes, LeafBlobBytes, Uploads, UploadBytes
//	                                varint each
type Meta struct {
	UpdateSeq    couch.Seq
	PurgeSeq     uint64 // the number of the newest purge
	DocCount     int64  // documents whose winner is no deletion
	DeletedCount int64  // documents whose winner is one
	ActiveBytes  int64  // plaintext of the leaves' bodies and attachments
	AttBytes     int64  // plaintext of the leaves' attachments, part of ActiveBytes
	BodyBytes    int64  // plaintext of every stored body
	BlobBytes    int64  // plaintext of every stored blob
	Blobs        int64
	RevsLimit    uint64
	PurgeLimit   uint64 // how many purges are remembered
	// DesignSeq is UpdateSeq as it was behind the last change of a design document, or
	// later; 0: there was none.
	DesignSeq couch.Seq
	MaxBytes  uint64 // what a quota allows, and 1; 0: there is none

	DeferredBytes int64 // plaintext of the contents that are fetched when they are wanted
	KeptBytes     int64 // what was fetched of them and is kept, part of BlobBytes

	// LeafBlobBytes is the plaintext of the contents that leaves have attached, each
	// counted once; of the deferred ones, of those that are kept.
	LeafBlobBytes int64

	Uploads     int64 // that no document has used
	UploadBytes int64 // what they are to have, and say of themselves

	// TombstoneBytes is by how much the transaction has made ActiveBytes grow with
	// deletions that say nothing, which pass a quota. It is not stored.
	TombstoneBytes int64
}

// Garbage returns what superseded revisions hold, in bytes of plaintext, be it here or
// at an origin. What several leaves share counts once less than it should.
func (m *Meta) Garbage() int64 {
	return m.BodyBytes + m.BlobBytes - m.KeptBytes + m.DeferredBytes - m.ActiveBytes
}

const (
	metaVersion = 5
	// DefaultRevsLimit and DefaultPurgeLimit are CouchDB's.
	DefaultRevsLimit  = 1000
	DefaultPurgeLimit = 1000
)

// Encode returns the row.
func (m *Meta) Encode() []byte {
	b := []byte{metaVersion}
	for _, n := range []uint64{uint64(m.UpdateSeq), m.PurgeSeq, m.RevsLimit, m.PurgeLimit} {
		b = binary.AppendUvarint(b, n)
	}
	for _, n := range []int64{m.DocCount, m.DeletedCount, m.ActiveBytes, m.BodyBytes, m.BlobBytes, m.Blobs} {
		b = binary.AppendVarint(b, n)
	}
	b = binary.AppendUvarint(b, uint64(m.DesignSeq))
	b = binary.AppendVarint(b, m.AttBytes)
	b = binary.AppendUvarint(b, m.MaxBytes)
	for _, n := range []int64{m.DeferredBytes, m.KeptBytes, m.LeafBlobBytes, m.Uploads, m.UploadBytes} {
		b = binary.AppendVarint(b, n)
	}
	return b
}

// DecodeMeta reads a row. The error is of kind couch.Corrupt.
func DecodeMeta(b []byte) (*Meta, error) {
	d := decoder{b: b}
	d.version(metaVersion)
	m := &Meta{UpdateSeq: couch.Seq(d.uvarint()), PurgeSeq: d.uvarint(), RevsLimit: d.uvarint(), PurgeLimit: d.uvarint()}
	for _, n := range []*int64{&m.DocCount, &m.DeletedCount, &m.ActiveBytes, &m.BodyBytes, &m.BlobBytes, &m.Blobs} {
		*n = d.varint()
	}
	m.DesignSeq, m.AttBytes, m.MaxBytes = couch.Seq(d.uvarint()), d.varint(), d.uvarint()
	for _, n := range []*int64{&m.DeferredBytes, &m.KeptBytes, &m.LeafBlobBytes, &m.Uploads, &m.UploadBytes} {
		*n = d.varint()
	}
	if d.bad || len(d.b) != 0 {
		return nil, Corrupt("meta row")
	}
	return m, nil
}

// Counter returns the one of DocCount and DeletedCount that counts a document.
func (m *Meta) Counter(deleted bool) *int64 {
	if deleted {
		return &m.DeletedCount
	}
	return &m.DocCount
}
