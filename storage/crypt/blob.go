package crypt

import (
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"

	"golang.org/x/crypto/chacha20poly1305"
)

const (
	// ChunkSize is the number of content bytes in every chunk of a blob but the
	// last, which may have fewer.
	ChunkSize = 64 << 10
	// ChunkOverhead is how much longer a sealed chunk is.
	ChunkOverhead = tagSize
)

// BlobKey seals one blob, or the segment of a blob that one upload wrote, in
// chunks. A chunk's index is sealed once under one key: an upload that goes on
// after an interruption, or a failed write, takes a new key.
type BlobKey struct {
	key secret
}

// NewBlobKey makes a random key.
func NewBlobKey() *BlobKey { return &BlobKey{newSecret()} }

// WrapBlobKey seals a blob's key under the database's. fields say what it belongs
// to: blob id, length, first chunk.
func (k *DatabaseKey) WrapBlobKey(b *BlobKey, fields ...[]byte) []byte {
	out := append(make([]byte, sealPrefix, sealPrefix+keySize+tagSize), b.key[:]...)
	return k.sealInPlace(PurposeBlobKey, out, fields)
}

// UnwrapBlobKey opens what WrapBlobKey made with the same fields. Errors match ErrDamaged.
func (k *DatabaseKey) UnwrapBlobKey(wrapped []byte, fields ...[]byte) (*BlobKey, error) {
	key, err := k.openSealed(PurposeBlobKey, wrapped, fields)
	if err != nil {
		return nil, err
	}
	if len(key) != keySize {
		return nil, fmt.Errorf("%w: a blob key has the wrong length", ErrDamaged)
	}
	return &BlobKey{secret(key)}, nil
}

// ReadChunk reads until buf is full or r has ended. Unlike io.ReadFull it tells the end
// of r from an io.ErrUnexpectedEOF of r, which is that of a connection that broke. A
// short n without an error is the end.
func ReadChunk(r io.Reader, buf []byte) (n int, err error) {
	for n < len(buf) {
		m, err := r.Read(buf[n:])
		n += m
		if err == io.EOF {
			return n, nil
		}
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// SealChunk appends a sealed chunk of up to ChunkSize bytes to dst, which must
// not overlap plaintext. index counts the chunks of the blob from 0; last marks
// the one with which the blob ends. A longer plaintext is a programming error and
// panics.
func (b *BlobKey) SealChunk(dst []byte, index uint64, last bool, plaintext []byte) []byte {
	if len(plaintext) > ChunkSize {
		panic("crypt: chunk is too long")
	}
	aead, err := chacha20poly1305.New(b.key[:])
	if err != nil {
		panic("crypt: " + err.Error()) // the key's length is fixed
	}
	nonce := chunkNonce(index, last)
	return aead.Seal(dst, nonce[:], plaintext, nil)
}

// OpenChunk appends the contents of a sealed chunk to dst, which may be
// sealed[:0]. A chunk that was changed, or that does not stand in this place,
// matches ErrDamaged, and dst's contents behind its length are lost.
func (b *BlobKey) OpenChunk(dst []byte, index uint64, last bool, sealed []byte) ([]byte, error) {
	if len(sealed) > ChunkSize+ChunkOverhead {
		return nil, fmt.Errorf("%w: chunk %d of a blob is too long", ErrDamaged, index)
	}
	aead, err := chacha20poly1305.New(b.key[:])
	if err != nil {
		return nil, err
	}
	nonce := chunkNonce(index, last)
	out, err := aead.Open(dst, nonce[:], sealed, nil)
	if err != nil {
		return nil, fmt.Errorf("%w: chunk %d of a blob does not authenticate", ErrDamaged, index)
	}
	return out, nil
}

// chunkNonce is that of age's STREAM: a big-endian counter of 11 bytes, then 1
// for the last chunk (c2sp.org/age, "Payload").
func chunkNonce(index uint64, last bool) [chacha20poly1305.NonceSize]byte {
	var nonce [chacha20poly1305.NonceSize]byte
	binary.BigEndian.PutUint64(nonce[3:], index)
	if last {
		nonce[11] = 1
	}
	return nonce
}

// Format implements fmt.Formatter: a key prints as [redacted].
func (BlobKey) Format(w fmt.State, _ rune) { io.WriteString(w, redacted) }

// String returns [redacted].
func (BlobKey) String() string { return redacted }

// GoString returns [redacted].
func (BlobKey) GoString() string { return redacted }

// LogValue implements slog.LogValuer.
func (BlobKey) LogValue() slog.Value { return slog.StringValue(redacted) }
