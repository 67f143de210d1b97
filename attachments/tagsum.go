package attachments

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"hash"
)

// tagSum makes the tag of a content of which it is given the chunks in order, each of
// crypt.ChunkSize bytes, the last one shorter or not, and one at least. It makes an AES
// GMAC of each (NIST SP 800-38D) and the SHA-256 of those: a hash of every byte would
// take longer than sealing them does. That the nonce is always zero is harmless: nobody
// who could forge a MAC with that sees any, but only whether contents are equal.
type tagSum struct {
	mac  cipher.AEAD
	macs hash.Hash
}

// newTagSum returns the sum of tags under k; nil, which makes none, without a key.
func (k *DedupKey) newTagSum() *tagSum {
	if k == nil {
		return nil
	}
	return &tagSum{k.mac, sha256.New()}
}

// chunkMAC returns the MAC of chunks, under a subkey.
func chunkMAC(key []byte) cipher.AEAD {
	sub, err := hkdf.Expand(sha256.New, key, "chunks", 32)
	var block cipher.Block
	if err == nil {
		block, err = aes.NewCipher(sub)
	}
	var mac cipher.AEAD
	if err == nil {
		mac, err = cipher.NewGCM(block)
	}
	if err != nil {
		panic("attachments: " + err.Error()) // of a length that is a constant
	}
	return mac
}

var zeroNonce [12]byte

// add adds a chunk, of which nothing is kept.
func (s *tagSum) add(chunk []byte) {
	if s != nil {
		var room [16]byte
		s.macs.Write(s.mac.Seal(room[:0], zeroNonce[:], nil, chunk))
	}
}

// state returns the state of the sum; empty without a key.
func (s *tagSum) state() []byte {
	if s == nil {
		return nil
	}
	return state(s.macs)
}

// restore is the reverse of state.
func (s *tagSum) restore(text []byte) error {
	if s == nil || len(text) == 0 {
		return nil
	}
	return restore(s.macs, text)
}
