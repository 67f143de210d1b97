package storage

import (
	"encoding/binary"

	"settle/storage/couch"
)

// meta is what a database counts. It is one row, read and written by every
// transaction that changes the database; without it the database is gone.
type meta struct {
	updateSeq   couch.Seq
	purgeSeq    uint64
	docs        int64 // whose winner is no deletion
	deleted     int64 // whose winner is one
	activeBytes int64 // plaintext of the leaves' bodies and attachments
	bodyBytes   int64 // plaintext of every stored body
	blobBytes   int64 // plaintext of every stored blob
	blobs       int64
	revsLimit   uint64
}

const (
	metaVersion = 1
	// defaultRevsLimit is CouchDB's.
	defaultRevsLimit = 1000
)

func (m *meta) encode() []byte {
	b := []byte{metaVersion}
	for _, n := range []uint64{uint64(m.updateSeq), m.purgeSeq, m.revsLimit} {
		b = binary.AppendUvarint(b, n)
	}
	for _, n := range []int64{m.docs, m.deleted, m.activeBytes, m.bodyBytes, m.blobBytes, m.blobs} {
		b = binary.AppendVarint(b, n)
	}
	return b
}

func decodeMeta(b []byte) (*meta, error) {
	d := decoder{b: b}
	d.version(metaVersion)
	m := &meta{updateSeq: couch.Seq(d.uvarint()), purgeSeq: d.uvarint(), revsLimit: d.uvarint()}
	for _, n := range []*int64{&m.docs, &m.deleted, &m.activeBytes, &m.bodyBytes, &m.blobBytes, &m.blobs} {
		*n = d.varint()
	}
	if d.bad || len(d.b) != 0 {
		return nil, corrupt("meta row")
	}
	return m, nil
}

func (d *decoder) varint() int64 {
	n, size := binary.Varint(d.b)
	if size <= 0 {
		d.bad, d.b = true, nil
		return 0
	}
	d.b = d.b[size:]
	return n
}
