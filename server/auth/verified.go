package auth

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"sync"
)

// maxVerified bounds verified; one name costs about 150 bytes.
const maxVerified = 20_000

// verified remembers, under a key that lives as long as the process, which
// password of a name was right for which hash.
type verified struct {
	key  [32]byte
	mu   sync.RWMutex
	tags map[string][sha256.Size]byte // by name
}

func newVerified() *verified {
	v := &verified{tags: map[string][sha256.Size]byte{}}
	rand.Read(v.key[:])
	return v
}

// has reports whether the pair was right for this hash.
func (v *verified) has(name, password string, hash Hash) bool {
	v.mu.RLock()
	tag, ok := v.tags[name]
	v.mu.RUnlock()
	if !ok {
		return false
	}
	given := v.tag(name, password, hash)
	return hmac.Equal(given[:], tag[:])
}

// add remembers a pair. Where there are too many, some other name is forgotten.
func (v *verified) add(name, password string, hash Hash) {
	tag := v.tag(name, password, hash)
	v.mu.Lock()
	defer v.mu.Unlock()
	for other := range v.tags {
		if len(v.tags) < maxVerified {
			break
		}
		delete(v.tags, other)
	}
	v.tags[name] = tag
}

func (v *verified) tag(name, password string, h Hash) [sha256.Size]byte {
	text := make([]byte, 0, 256)
	for _, part := range []string{name, password, string(h.scheme), h.prf, h.salt, h.key} {
		text = binary.AppendUvarint(text, uint64(len(part)))
		text = append(text, part...)
	}
	text = binary.AppendVarint(text, int64(h.iterations))
	mac := hmac.New(sha256.New, v.key[:])
	mac.Write(text)
	clear(text)
	return [sha256.Size]byte(mac.Sum(nil))
}
