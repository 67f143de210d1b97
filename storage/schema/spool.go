package schema

import (
	"encoding/binary"

	"settle/storage/couch"
	"settle/storage/crypt"
	"settle/storage/kv"
)

const (
	spooledVersion = 1
	flagStub       = 1
	flagPending    = 2
	flagByDigest   = 4

	flagSpooledEncoded = 8

	flagNotInteractive = 2
	flagNotReplicated  = 4
)

// SpoolKey returns the key of a document in a spool; n is its place in the batch.
// The keys are in the order of ids, then places.
func SpoolKey(id couch.DocID, n uint64) []byte {
	return binary.BigEndian.AppendUint64(appendEscaped(nil, id), n)
}

// ParseSpoolKey is the reverse of SpoolKey; ok is false where key is none.
func ParseSpoolKey(key []byte) (id couch.DocID, n uint64, ok bool) {
	id, rest, ok := cutEscaped(key)
	if !ok || len(rest) != 8 {
		return "", 0, false
	}
	return id, binary.BigEndian.Uint64(rest), true
}

// SealSpooled returns the row of a document in the spool of partition p, as a
// client or a peer wants to have it written. It is sealed with purpose
// crypt.PurposeMeta under the fields "spool", p, and the key. Plaintext:
//
//	version        1 byte
//	flags          1 byte: bit 0 for a deletion, bit 1 for one that is refused as an
//	               interactive edit, bit 2 as a replicated one
//	path           uvarint generation, uvarint number, so many hashes, bytes
//	attachments    uvarint number; for each
//	    name, type bytes
//	    flags      1 byte: bit 0 for a stub, bit 1 for new content, which a row
//	               cannot hold: only whoever wrote it knows it, bit 2 for a stub
//	               by its digest, bit 3 for a digest of gzip output
//	    revpos     uvarint
//	    length     uvarint
//	    digest     16 bytes, MD5
//	    blob       16 bytes
//	term           bytes
//	text           JSON, to the end
//
// size is the length of the plaintext.
func SealSpooled(key *crypt.DatabaseKey, p kv.Partition, d *couch.Document, n uint64) (row kv.KV, size int) {
	plain := encodeSpooled(d)
	row.Key = SpoolKey(d.ID, n)
	row.Value = key.Seal(crypt.PurposeMeta, plain, []byte("spool"), p[:], row.Key)
	return row, len(plain)
}

// OpenSpooled opens a row of the spool of partition p, of which none has a plaintext
// longer than max. pending says which of the
// attachments, by their place, are of new content. The error is of kind
// couch.Corrupt.
func OpenSpooled(key *crypt.DatabaseKey, p kv.Partition, row kv.KV, max int) (d *couch.Document, pending []int, err error) {
	id, _, ok := ParseSpoolKey(row.Key)
	if !ok {
		return nil, nil, Corrupt("key of a spooled document")
	}
	plain, err := key.Open(crypt.PurposeMeta, row.Value, max, []byte("spool"), p[:], row.Key)
	if err != nil {
		return nil, nil, DomainError(err)
	}
	return decodeSpooled(id, plain)
}

func encodeSpooled(d *couch.Document) []byte {
	b := make([]byte, 0, len(d.Body.Text)+len(d.Body.Term)+64)
	b = append(b, spooledVersion, spooledFlags(d))
	b = binary.AppendUvarint(b, d.Revisions.Start)
	b = binary.AppendUvarint(b, uint64(len(d.Revisions.Hashes)))
	for _, hash := range d.Revisions.Hashes {
		b = appendBytes(b, hash)
	}
	b = binary.AppendUvarint(b, uint64(len(d.Attachments)))
	for _, a := range d.Attachments {
		b = appendSpooledAttachment(b, a)
	}
	b = appendBytes(b, d.Body.Term)
	return append(b, d.Body.Text...)
}

func spooledFlags(d *couch.Document) byte {
	b := flags(d.Deleted)
	if d.NotInteractive {
		b |= flagNotInteractive
	}
	if d.NotReplicated {
		b |= flagNotReplicated
	}
	return b
}

func appendSpooledAttachment(b []byte, a couch.Attachment) []byte {
	var flags byte
	if a.Stub {
		flags |= flagStub
	}
	if a.Pending != nil {
		flags |= flagPending
	}
	if a.ByDigest {
		flags |= flagByDigest
	}
	if a.Encoded {
		flags |= flagSpooledEncoded
	}
	b = append(appendBytes(appendBytes(b, a.Name), a.ContentType), flags)
	b = binary.AppendUvarint(b, a.RevPos)
	b = binary.AppendUvarint(b, uint64(a.Length))
	b = append(b, a.Digest[:]...)
	return append(b, a.Blob[:]...)
}

func decodeSpooled(id couch.DocID, b []byte) (doc *couch.Document, pending []int, err error) {
	d := decoder{b: b}
	d.version(spooledVersion)
	flags := d.byte()
	doc = &couch.Document{
		ID: id, Deleted: flags&flagDeleted != 0,
		NotInteractive: flags&flagNotInteractive != 0, NotReplicated: flags&flagNotReplicated != 0,
	}
	doc.Revisions.Start = d.uvarint()
	for n := d.uvarint(); n > 0 && !d.bad; n-- {
		doc.Revisions.Hashes = append(doc.Revisions.Hashes, d.string())
	}
	for n := d.uvarint(); n > 0 && !d.bad; n-- {
		a := couch.Attachment{Name: d.string(), ContentType: d.string()}
		flags := d.byte()
		a.Stub, a.ByDigest, a.Encoded = flags&flagStub != 0, flags&flagByDigest != 0, flags&flagSpooledEncoded != 0
		if flags&flagPending != 0 {
			pending = append(pending, len(doc.Attachments))
		}
		a.RevPos, a.Length = d.uvarint(), int64(d.uvarint())
		copy(a.Digest[:], d.take(uint64(len(a.Digest))))
		copy(a.Blob[:], d.take(uint64(len(a.Blob))))
		doc.Attachments = append(doc.Attachments, a)
	}
	if term := d.bytes(); len(term) > 0 {
		doc.Body.Term = term
	}
	if d.bad {
		return nil, nil, Corrupt("spooled document")
	}
	doc.Body.Text = d.b
	return doc, pending, nil
}
