package attachments

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"io"

	"settle/storage/couch"
	"settle/storage/crypt"
	"settle/storage/kv"
)

// Deferred is a new content of which nothing but where it is is stored. It belongs to no
// document yet.
type Deferred struct {
	id       couch.BlobID
	deferral couch.Deferral
	origin   []byte
}

var _ couch.PendingBlob = (*Deferred)(nil)

// NewDeferred returns a content that stays where d says; origin is the row that tells
// whoever fetches it how d.Origin is reached. Nothing is stored before a document takes it.
func NewDeferred(d couch.Deferral, origin []byte) *Deferred {
	p := &Deferred{deferral: d, origin: origin}
	rand.Read(p.id[:])
	return p
}

// BlobID returns the blob's id.
func (p *Deferred) BlobID() couch.BlobID { return p.id }

// Origin returns what the content is fetched from, and its row.
func (p *Deferred) Origin() (id couch.OriginID, row []byte) { return p.deferral.Origin, p.origin }

// Discard does nothing: there is nothing to remove.
func (p *Deferred) Discard() {}

// Open fails: the content is elsewhere.
func (p *Deferred) Open() (io.ReadCloser, error) { return nil, &couch.Error{Kind: couch.Away} }

// maxDeferral bounds what a record says of where a content is, in bytes.
const maxDeferral = 1 << 20

// Defer writes the record of a deferred content into the transaction.
func (b *Blobs) Defer(tx kv.Tx, p *Deferred) {
	d := &p.deferral
	r := record{kind: kindDeferred, length: d.Length, digest: d.Digest}
	flags := byte(0)
	if d.Encoded {
		flags = 1
	}
	plain := append(append([]byte{}, d.Origin[:]...), flags)
	plain = appendField(plain, []byte(d.ID))
	plain = binary.AppendUvarint(plain, d.Rev.Gen)
	plain = appendField(plain, []byte(d.Rev.Hash))
	plain = appendField(plain, []byte(d.Name))
	r.rest = b.key.Seal(crypt.PurposeMeta, plain, boundDeferral(&r, p.id)...)
	tx.Set(b.recordKey(p.id), r.encode())
}

func boundDeferral(r *record, id couch.BlobID) [][]byte {
	return append([][]byte{[]byte("deferred")}, id[:], binary.BigEndian.AppendUint64(nil, uint64(r.length)), r.digest[:])
}

func (b *Blobs) openDeferral(r *record, id couch.BlobID) (*couch.Deferral, error) {
	plain, err := b.key.Open(crypt.PurposeMeta, r.rest, maxDeferral, boundDeferral(r, id)...)
	if err != nil {
		return nil, err
	}
	d := &couch.Deferral{Length: r.length, Digest: r.digest}
	if len(plain) < len(d.Origin)+1 {
		return nil, errBadRecord
	}
	copy(d.Origin[:], plain)
	d.Encoded = plain[len(d.Origin)] == 1
	f := fields{left: plain[len(d.Origin)+1:]}
	d.ID, d.Rev.Gen, d.Rev.Hash, d.Name = couch.DocID(f.bytes()), f.uvarint(), string(f.bytes()), string(f.bytes())
	if f.bad || len(f.left) != 0 {
		return nil, errBadRecord
	}
	return d, nil
}

// Deferral says where the content of the blob is, nil where it is here.
func (b *Blob) Deferral() *couch.Deferral { return b.deferral }

// IsDeferred reports whether a blob's record is that of a deferred content.
func (b *Blobs) IsDeferred(ctx context.Context, rd kv.Reader, id couch.BlobID) (bool, error) {
	rows, err := rd.GetMulti(ctx, b.recordKey(id))
	if err != nil {
		return false, err
	}
	rec, err := decodeRecord(rows[0])
	return err == nil && rec.kind == kindDeferred, nil
}

// OriginOf returns the origin of the content of a row, if that is a deferred one. The error
// is of kind couch.Corrupt.
func (b *Blobs) OriginOf(row kv.KV) (origin couch.OriginID, deferred bool, err error) {
	r, err := decodeRecord(row.Value)
	if err != nil || r.kind != kindDeferred {
		return origin, false, err
	}
	id := couch.BlobID(bytes.TrimPrefix(row.Key, b.prefix))
	d, err := b.openDeferral(&r, id)
	if err != nil {
		return origin, false, corrupt(id, err)
	}
	return d.Origin, true, nil
}
