package crypt

import (
	"bytes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
)

const (
	headerSize    = 64
	headerMagic   = "settleF"
	headerVersion = 1
	saltSize      = 32

	headerAADSize = headerSize - tagSize
)

// fileHeader is what the first 64 bytes of a file say; FORMAT.md has the table.
type fileHeader struct {
	salt  [saltSize]byte
	suite Suite
	epoch uint32
}

// fileCipher seals and opens the parts of one file. It is safe for concurrent use.
type fileCipher struct {
	aead  cipher.AEAD
	suite Suite
	// onSeal, if set, sees the file's salt and every nonce before it is used.
	onSeal func(salt [saltSize]byte, nonce []byte)
	salt   [saltSize]byte
}

// newFileCipher makes the key of a new file and its header.
func newFileCipher(k *Keyring, s Suite, name string) (*fileCipher, []byte, error) {
	h := fileHeader{suite: s, epoch: k.Epoch()}
	rand.Read(h.salt[:])
	c, err := h.cipher(k, name)
	if err != nil {
		return nil, nil, err
	}
	return c, h.seal(c.aead), nil
}

// openHeader authenticates a header against the name that its file is bound to.
func openHeader(k *Keyring, b []byte, name string) (*fileCipher, error) {
	if len(b) < headerSize || !bytes.HasPrefix(b, []byte(headerMagic)) {
		return nil, fmt.Errorf("%w: %s has no header of this store's files", ErrDamaged, name)
	}
	b = b[:headerSize]
	if v := b[7]; v != headerVersion {
		return nil, fmt.Errorf("%w: %s has file format %d", ErrDamaged, name, v)
	}
	h := fileHeader{suite: Suite(b[40]), epoch: binary.BigEndian.Uint32(b[41:])}
	copy(h.salt[:], b[8:])
	c, err := h.cipher(k, name)
	if err != nil {
		return nil, err
	}
	zeroNonce := make([]byte, c.aead.NonceSize())
	if _, err := c.aead.Open(nil, zeroNonce, b[headerAADSize:], b[:headerAADSize]); err != nil {
		return nil, fmt.Errorf("%w: the header of %s does not authenticate", ErrDamaged, name)
	}
	return c, nil
}

// seal encodes the header. The zero nonce occurs once under the file's key,
// which no other header shares; the seals of the body have random nonces.
func (h *fileHeader) seal(aead cipher.AEAD) []byte {
	b := make([]byte, headerAADSize, headerSize)
	copy(b, headerMagic)
	b[7] = headerVersion
	copy(b[8:], h.salt[:])
	b[40] = byte(h.suite)
	binary.BigEndian.PutUint32(b[41:], h.epoch)
	return aead.Seal(b, make([]byte, aead.NonceSize()), nil, b)
}

// cipher derives the file's key from the store key of the header's epoch.
func (h *fileHeader) cipher(k *Keyring, name string) (*fileCipher, error) {
	if !h.suite.valid() {
		return nil, fmt.Errorf("%w: %s has cipher suite %d", ErrDamaged, name, h.suite)
	}
	e, ok := k.epoch(h.epoch)
	if !ok {
		return nil, fmt.Errorf("%w: %s is of key epoch %d, which the keyring does not hold", ErrDamaged, name, h.epoch)
	}
	info := "settle/file/1" + string([]byte{byte(h.suite)}) + name
	key, err := hkdf.Key(sha256.New, e.storeKey[:], h.salt[:], info, keySize)
	if err != nil {
		return nil, err
	}
	aead, err := h.suite.newAEAD(key)
	if err != nil {
		return nil, err
	}
	return &fileCipher{aead: aead, suite: h.suite, salt: h.salt}, nil
}

// overhead is the number of bytes that seal adds: nonce and tag.
func (c *fileCipher) overhead() int { return c.aead.NonceSize() + tagSize }

// seal appends a fresh random nonce and the sealed plaintext to dst. dst and
// plaintext must not overlap.
func (c *fileCipher) seal(dst, plaintext, aad []byte) []byte {
	at, n := len(dst), c.aead.NonceSize()
	dst = append(dst, make([]byte, n)...)
	nonce := dst[at : at+n : at+n]
	rand.Read(nonce)
	if c.onSeal != nil {
		c.onSeal(c.salt, nonce)
	}
	return c.aead.Seal(dst, nonce, plaintext, aad)
}

// open appends the plaintext of nonce and sealed text b to dst, which may be
// the sealed text's own place.
func (c *fileCipher) open(dst, b, aad []byte) ([]byte, error) {
	n := c.aead.NonceSize()
	if len(b) < n+tagSize {
		return nil, ErrDamaged
	}
	p, err := c.aead.Open(dst, b[:n], b[n:], aad)
	if err != nil {
		return nil, ErrDamaged
	}
	return p, nil
}
