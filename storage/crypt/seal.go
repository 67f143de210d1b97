package crypt

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"

	"golang.org/x/crypto/chacha20poly1305"
)

// Purpose separates what is sealed under one database key: each has a subkey of
// its own, so that a value of one kind is never taken for one of another.
type Purpose string

// The purposes.
const (
	PurposeBody      Purpose = "settle/body/1"      // a document's body
	PurposeLocal     Purpose = "settle/local/1"     // a local document's body
	PurposeSmallBlob Purpose = "settle/smallblob/1" // an attachment that lives in a row
	PurposeBlobKey   Purpose = "settle/blobkey/1"   // the key of an attachment that lives in a file
	PurposeDelivery  Purpose = "settle/delivery/1"  // a delivery's row, and the key that tags deliveries
	PurposeDedup     Purpose = "settle/dedup/1"     // the key that finds equal attachments
	PurposeMeta      Purpose = "settle/meta/1"      // what else stands in a database's own rows
	PurposeIndex     Purpose = "settle/index/1"     // the values of an index
)

const (
	sealVersion = 1
	// sealPrefix: version 1, epoch 4, nonce 24, all in clear.
	sealPrefix = 5 + chacha20poly1305.NonceSizeX
	// codecPrefix: codec 1, length 4, inside the seal.
	codecPrefix = 5

	// SealOverhead is how much longer than its contents a sealed value is, at most.
	SealOverhead = sealPrefix + codecPrefix + tagSize
)

// Seal compresses plaintext, alone, if that makes it smaller, and seals it for a
// purpose. fields say what it belongs to, for a body document id and revision: it
// opens only with the same fields, in the same order, in the same database and
// store. The result is new; plaintext is left as it is.
func (k *DatabaseKey) Seal(p Purpose, plaintext []byte, fields ...[]byte) []byte {
	out := make([]byte, sealPrefix+codecPrefix, SealOverhead+len(plaintext))
	out, codec := appendCompressed(out, plaintext)
	out[sealPrefix] = codec
	binary.BigEndian.PutUint32(out[sealPrefix+1:], uint32(len(plaintext)))
	return k.sealInPlace(p, out, fields)
}

// sealInPlace seals what stands in out behind the prefix, and fills that in.
func (k *DatabaseKey) sealInPlace(p Purpose, out []byte, fields [][]byte) []byte {
	out[0] = sealVersion
	binary.BigEndian.PutUint32(out[1:], k.Epoch())
	nonce := out[5:sealPrefix]
	rand.Read(nonce)
	aead, err := k.subkey(k.Epoch(), p)
	if err != nil {
		panic("crypt: " + err.Error()) // the newest epoch is always there
	}
	return aead.Seal(out[:sealPrefix], nonce, out[sealPrefix:], k.valueAAD(p, fields))
}

// Open opens what Seal made with the same purpose and fields. If the contents
// would be longer than maxLen nothing is decompressed. Errors match ErrDamaged.
// The result is new; sealed is left as it is.
func (k *DatabaseKey) Open(p Purpose, sealed []byte, maxLen int, fields ...[]byte) ([]byte, error) {
	text, err := k.openSealed(p, sealed, fields)
	if err != nil {
		return nil, err
	}
	if len(text) < codecPrefix {
		return nil, fmt.Errorf("%w: a sealed value is too short", ErrDamaged)
	}
	length := binary.BigEndian.Uint32(text[1:])
	if int64(length) > int64(maxLen) {
		return nil, fmt.Errorf("%w: a sealed value of %d bytes is longer than %d", ErrDamaged, length, maxLen)
	}
	return decompress(text[0], text[codecPrefix:], int(length))
}

func (k *DatabaseKey) openSealed(p Purpose, sealed []byte, fields [][]byte) ([]byte, error) {
	if len(sealed) < sealPrefix+tagSize {
		return nil, fmt.Errorf("%w: a sealed value is too short", ErrDamaged)
	}
	if sealed[0] != sealVersion {
		return nil, fmt.Errorf("%w: a sealed value has format %d", ErrDamaged, sealed[0])
	}
	aead, err := k.subkey(binary.BigEndian.Uint32(sealed[1:]), p)
	if err != nil {
		return nil, err
	}
	text, err := aead.Open(nil, sealed[5:sealPrefix], sealed[sealPrefix:], k.valueAAD(p, fields))
	if err != nil {
		return nil, fmt.Errorf("%w: a sealed value does not authenticate", ErrDamaged)
	}
	return text, nil
}

// Tag returns the tag of a sealed value, which names this sealing and no other:
// whoever keeps it elsewhere notices an older value put back under the same fields.
func Tag(sealed []byte) [tagSize]byte {
	var tag [tagSize]byte
	if len(sealed) >= tagSize {
		copy(tag[:], sealed[len(sealed)-tagSize:])
	}
	return tag
}

func (k *DatabaseKey) valueAAD(p Purpose, fields [][]byte) []byte {
	aad := appendFields(make([]byte, 0, 128), []byte(p), k.store[:], k.database[:])
	return appendFields(aad, fields...)
}

// appendFields appends each field behind its length, so that no two lists of
// fields give the same bytes.
func appendFields(dst []byte, fields ...[]byte) []byte {
	for _, f := range fields {
		dst = binary.BigEndian.AppendUint32(dst, uint32(len(f)))
		dst = append(dst, f...)
	}
	return dst
}
