package attachments

import (
	"bytes"
	"encoding/binary"
	"time"

	"settle/storage/couch"
	"settle/storage/crypt"
)

const (
	uploadVersion = 2
	// maxUploadRow bounds the row of an upload, in bytes.
	maxUploadRow = 4 << 20
)

// sealUpload returns the row of an upload, sealed with purpose crypt.PurposeMeta under
// the fields "upload" and its id. Plaintext:
//
//	version      1 byte
//	owner        bytes
//	metadata     bytes
//	length       uvarint
//	offset       uvarint
//	expires      varint, seconds since 1970
//	MD5          bytes: the state of the sum of the chunks that are sealed
//	MACs         bytes: the state of their tagSum, empty before the first Append
//	start        bytes
//	tail         bytes
//	segments     for each the first chunk u64, and the wrapped key, bound to id, "upload",
//	             and the first chunk, to the end
func (b *Blobs) sealUpload(u *Upload) []byte {
	out := appendField([]byte{uploadVersion}, []byte(u.Owner))
	out = appendField(out, []byte(u.Metadata))
	out = binary.AppendUvarint(out, uint64(u.Length))
	out = binary.AppendUvarint(out, uint64(u.Offset))
	out = binary.AppendVarint(out, u.Expires.Unix())
	for _, field := range [][]byte{u.md5, u.macs, u.start[:], u.tail} {
		out = appendField(out, field)
	}
	out = b.wrapSegments(out, u.segments, func(first uint64) [][]byte { return boundToUpload(u.ID, first) })
	return b.key.Seal(crypt.PurposeMeta, out, []byte("upload"), u.ID[:])
}

func boundToUpload(id couch.BlobID, first uint64) [][]byte {
	return [][]byte{id[:], []byte("upload"), binary.BigEndian.AppendUint64(nil, first)}
}

func appendField(dst, field []byte) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(field))), field...)
}

// openUpload is the reverse of sealUpload.
func (b *Blobs) openUpload(id couch.BlobID, row []byte) (*Upload, error) {
	plain, err := b.key.Open(crypt.PurposeMeta, row, maxUploadRow, []byte("upload"), id[:])
	if err != nil {
		return nil, err
	}
	if len(plain) == 0 || plain[0] != uploadVersion {
		return nil, errBadRecord
	}
	f, u := &fields{left: plain[1:]}, new(Upload)
	u.ID, u.Owner, u.Metadata = id, string(f.bytes()), string(f.bytes())
	u.Length, u.Offset, u.Expires = f.length(), f.length(), time.Unix(f.varint(), 0)
	u.md5, u.macs = f.bytes(), f.bytes()
	wellFormed := copy(u.start[:], f.bytes()) == len(u.start)
	u.tail = f.bytes()
	if f.bad || !wellFormed || u.Offset > u.Length || int64(len(u.tail)) > u.Offset {
		return nil, errBadRecord
	}
	u.segments, err = b.unwrapSegments(f.left, func(first uint64) [][]byte { return boundToUpload(id, first) })
	if err != nil {
		return nil, err
	}
	return u, nil
}

// fields reads a row front to back; behind the first bad field all are empty.
type fields struct {
	left []byte
	bad  bool
}

func (f *fields) bytes() []byte {
	n := f.uvarint()
	if n > uint64(len(f.left)) {
		f.bad, f.left = true, nil
		return nil
	}
	b := f.left[:n]
	f.left = f.left[n:]
	return bytes.Clone(b)
}

func (f *fields) uvarint() uint64 {
	n, size := binary.Uvarint(f.left)
	f.skip(size)
	return n
}

func (f *fields) varint() int64 {
	n, size := binary.Varint(f.left)
	f.skip(size)
	return n
}

func (f *fields) length() int64 {
	n := f.uvarint()
	if n > MaxLength {
		f.bad = true
		return 0
	}
	return int64(n)
}

func (f *fields) skip(size int) {
	if size <= 0 {
		f.bad, f.left = true, nil
		return
	}
	f.left = f.left[size:]
}
