package attachments

import (
	"context"
	"errors"
	"io"
	"sort"

	"settle/storage/couch"
	"settle/storage/crypt"
	"settle/storage/kv"
)

// Blob is a stored blob whose record was read: it stays usable when the View in
// which it was loaded has ended. It is safe for concurrent use.
type Blob struct {
	store   *Store
	part    kv.Partition
	id      couch.BlobID
	record  record // without rest
	content []byte // of a small blob

	segments []segment // of a file
	deferral *couch.Deferral
}

// Load reads a blob's record, and a small blob's content. It opens no file.
// Errors: couch.ErrNotFound where there is no such blob, couch.ErrCorrupt, and
// those of the reader.
func (b *Blobs) Load(ctx context.Context, rd kv.Reader, id couch.BlobID) (*Blob, error) {
	rows, err := rd.GetMulti(ctx, b.recordKey(id))
	if err != nil {
		return nil, err
	}
	if rows[0] == nil {
		return nil, &couch.Error{Kind: couch.NotFound, Reason: couch.ErrNotFound.Reason}
	}
	return b.open(id, rows[0])
}

// open makes a Blob of its row, of which it keeps nothing.
func (b *Blobs) open(id couch.BlobID, row []byte) (*Blob, error) {
	rec, err := decodeRecord(row)
	if err != nil {
		return nil, corrupt(id, err)
	}
	blob := &Blob{store: b.store, part: b.id, id: id, record: rec}
	blob.record.rest = nil
	switch rec.kind {
	case kindFile:
		blob.segments, err = b.unwrap(&rec, id)
	case kindDeferred:
		blob.deferral, err = b.openDeferral(&rec, id)
	default:
		blob.content, err = b.key.Open(crypt.PurposeSmallBlob, rec.rest, int(rec.length), rec.bound(id)...)
		if err == nil && int64(len(blob.content)) != rec.length {
			err = errBadRecord
		}
	}
	if err != nil {
		return nil, corrupt(id, err)
	}
	return blob, nil
}

// Exist reports, for each id in order, whether there is such a blob, or an upload that
// is to become one.
func (b *Blobs) Exist(ctx context.Context, rd kv.Reader, ids ...couch.BlobID) ([]bool, error) {
	exist, err := rowsExist(ctx, rd, b.recordKey, ids...)
	if err != nil || b.uploads == nil {
		return exist, err
	}
	uploads, err := rowsExist(ctx, rd, b.uploadKey, ids...)
	for i, there := range uploads {
		exist[i] = exist[i] || there
	}
	return exist, err
}

// rowsExist reports, for each id in order, whether there is the row of its key.
func rowsExist(ctx context.Context, rd kv.Reader, key func(couch.BlobID) []byte, ids ...couch.BlobID) ([]bool, error) {
	keys := make([][]byte, len(ids))
	for i, id := range ids {
		keys[i] = key(id)
	}
	rows, err := rd.GetMulti(ctx, keys...)
	if err != nil {
		return nil, err
	}
	out := make([]bool, len(ids))
	for i, row := range rows {
		out[i] = row != nil
	}
	return out, nil
}

// keyOf returns the key of a chunk.
func (b *Blob) keyOf(chunk uint64) *crypt.BlobKey {
	n := sort.Search(len(b.segments), func(i int) bool { return b.segments[i].first > chunk })
	return b.segments[n-1].key
}

// ID returns the blob's id.
func (b *Blob) ID() couch.BlobID { return b.id }

// Length returns the length of the content in bytes.
func (b *Blob) Length() int64 { return b.record.length }

// Digest returns the MD5 of the content.
func (b *Blob) Digest() couch.Digest { return b.record.digest }

// Reader returns length bytes of the content from offset on; a negative length
// means all that follow. What it returns is for one goroutine, and the caller
// closes it. No byte is given out that was not authenticated.
//
// A range that is not within the content is a RangeNotSatisfiable. Of a blob that has a
// Deferral there is no content: an Away. A file that
// was changed, cut, lengthened or swapped is couch.ErrCorrupt, from Reader or
// from the reads; see [ErrFileMissing] for one that is not there.
func (b *Blob) Reader(offset, length int64) (io.ReadCloser, error) {
	if length < 0 {
		length = b.Length() - offset
	}
	if offset < 0 || length < 0 || offset > b.Length() || length > b.Length()-offset {
		return nil, &couch.Error{Kind: couch.RangeNotSatisfiable, Reason: "Requested range not satisfiable"}
	}
	if b.deferral != nil {
		return nil, &couch.Error{Kind: couch.Away}
	}
	if b.record.kind == kindSmall {
		return newSmallReader(b.content[offset : offset+length]), nil
	}
	r, err := b.openFile(offset, length)
	if err != nil {
		return nil, err // and no reader: r is nil, but not as an io.ReadCloser
	}
	return r, nil
}

var errClosed = errors.New("attachments: read of a closed blob")
