package crypt

import (
	"context"
	"encoding/binary"

	"filippo.io/age"
	"github.com/cockroachdb/pebble/v2/vfs"
)

const (
	PageSize   = pageSize
	SectorSize = sectorSize
	HeaderSize = headerSize
)

// NewFSOf returns a file system of a given suite, which tells hook every file's
// salt and every nonce.
func NewFSOf(s Suite, inner vfs.FS, k *Keyring, hook func(salt [saltSize]byte, nonce []byte)) vfs.FS {
	fs := newFS(inner, k, s)
	fs.onSeal = hook
	return fs
}

// MarshalKeyring and UnmarshalKeyring are the keyring's plaintext form.
func MarshalKeyring(k *Keyring) ([]byte, error)   { return k.marshal() }
func UnmarshalKeyring(b []byte) (*Keyring, error) { return unmarshalKeyring(b) }

// IdentityOf wraps an age identity.
func IdentityOf(i age.Identity) *Identity {
	return &Identity{path: "test", identities: []age.Identity{i}}
}

// WithDeadline runs f as the work of plugins.
func WithDeadline(ctx context.Context, plugins []string, f func() error) error {
	return withDeadline(ctx, plugins, f)
}

// SealedEpoch returns the key epoch under which a value is sealed, as it says
// itself; 0 for what is no sealed value.
func SealedEpoch(sealed []byte) uint32 {
	if len(sealed) < sealPrefix+tagSize || sealed[0] != sealVersion {
		return 0
	}
	return binary.BigEndian.Uint32(sealed[1:])
}
