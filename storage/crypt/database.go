package crypt

import (
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"sync"

	"golang.org/x/crypto/chacha20poly1305"
)

// DatabaseID names a database to the cryptography: the bytes of its partition.
type DatabaseID [8]byte

const (
	wrapVersion = 1
	// wrappedKeySize: version 1, wrapping epoch 4, key epoch 4, nonce 24, key 32, tag 16.
	wrappedKeySize = 9 + chacha20poly1305.NonceSizeX + keySize + tagSize
)

// DatabaseKey holds the keys of one database, for each epoch one, and seals its
// contents. It is safe for concurrent use.
type DatabaseKey struct {
	store    StoreID
	database DatabaseID
	epochs   []databaseEpoch // ascending by number, never empty; the last one seals
	subkeys  *sync.Map       // subkeyID → cipher.AEAD
}

type databaseEpoch struct {
	number uint32
	key    secret
}

type subkeyID struct {
	epoch   uint32
	purpose Purpose
}

// NewDatabaseKey makes a random key for a new database, and returns it together
// with its wrapped form, which is stored where it can be removed: once no copy of
// those bytes is left, nobody opens again what the key sealed.
func (k *Keyring) NewDatabaseKey(id DatabaseID) (*DatabaseKey, []byte, error) {
	d := k.databaseKey(id)
	d.epochs = []databaseEpoch{{k.Epoch(), newSecret()}}
	wrapped, err := k.wrapDatabaseKey(d)
	return d, wrapped, err
}

// OpenDatabaseKey opens the wrapped form. It matches ErrDamaged if it was
// changed, or belongs to another database or store, or to an epoch that the keyring
// does not hold.
func (k *Keyring) OpenDatabaseKey(id DatabaseID, wrapped []byte) (*DatabaseKey, error) {
	if len(wrapped) == 0 || len(wrapped)%wrappedKeySize != 0 {
		return nil, fmt.Errorf("%w: a database key has the wrong length", ErrDamaged)
	}
	d := k.databaseKey(id)
	for ; len(wrapped) > 0; wrapped = wrapped[wrappedKeySize:] {
		e, err := k.unwrapEpoch(id, wrapped[:wrappedKeySize])
		if err != nil {
			return nil, err
		}
		if n := len(d.epochs); n > 0 && d.epochs[n-1].number >= e.number {
			return nil, fmt.Errorf("%w: the epochs of a database key do not ascend", ErrDamaged)
		}
		d.epochs = append(d.epochs, e)
	}
	return d, nil
}

// RotateDatabaseKey returns the database's key with a new one for the keyring's
// newest epoch, which seals from now on, and the wrapped form, all of it under the
// newest wrapping key. The older keys stay, until RetireDatabaseKey. It changes
// nothing but the wrapping if there is a key of that epoch already.
func (k *Keyring) RotateDatabaseKey(id DatabaseID, wrapped []byte) (*DatabaseKey, []byte, error) {
	d, err := k.OpenDatabaseKey(id, wrapped)
	if err != nil {
		return nil, nil, err
	}
	if d.Epoch() < k.Epoch() {
		d.epochs = append(d.epochs, databaseEpoch{k.Epoch(), newSecret()})
	}
	wrapped, err = k.wrapDatabaseKey(d)
	return d, wrapped, err
}

// RetireDatabaseKey returns the wrapped form without the older keys: for when
// everything has been sealed under the newest one.
func (k *Keyring) RetireDatabaseKey(id DatabaseID, wrapped []byte) ([]byte, error) {
	d, err := k.OpenDatabaseKey(id, wrapped)
	if err != nil {
		return nil, err
	}
	d.epochs = d.epochs[len(d.epochs)-1:]
	return k.wrapDatabaseKey(d)
}

func (k *Keyring) databaseKey(id DatabaseID) *DatabaseKey {
	return &DatabaseKey{store: k.id, database: id, subkeys: new(sync.Map)}
}

func (k *Keyring) wrapDatabaseKey(d *DatabaseKey) ([]byte, error) {
	var out []byte
	wrapping := k.newest()
	aead, err := chacha20poly1305.NewX(wrapping.wrappingKey[:])
	if err != nil {
		return nil, err
	}
	for _, e := range d.epochs {
		out = append(out, wrapVersion)
		out = binary.BigEndian.AppendUint32(out, wrapping.number)
		out = binary.BigEndian.AppendUint32(out, e.number)
		nonce := make([]byte, chacha20poly1305.NonceSizeX)
		rand.Read(nonce)
		out = append(out, nonce...)
		out = aead.Seal(out, nonce, e.key[:], k.databaseKeyAAD(d.database, wrapping.number, e.number))
	}
	return out, nil
}

func (k *Keyring) unwrapEpoch(id DatabaseID, b []byte) (databaseEpoch, error) {
	e := databaseEpoch{number: binary.BigEndian.Uint32(b[5:])}
	number := binary.BigEndian.Uint32(b[1:])
	if b[0] != wrapVersion {
		return e, fmt.Errorf("%w: a database key has format %d", ErrDamaged, b[0])
	}
	wrapping, ok := k.epoch(number)
	if !ok {
		return e, fmt.Errorf("%w: a database key is wrapped under epoch %d, which the keyring does not hold", ErrDamaged, number)
	}
	aead, err := chacha20poly1305.NewX(wrapping.wrappingKey[:])
	if err != nil {
		return e, err
	}
	nonce, sealed := b[9:9+chacha20poly1305.NonceSizeX], b[9+chacha20poly1305.NonceSizeX:]
	key, err := aead.Open(nil, nonce, sealed, k.databaseKeyAAD(id, number, e.number))
	if err != nil {
		return e, fmt.Errorf("%w: a database key does not authenticate", ErrDamaged)
	}
	e.key = secret(key)
	return e, nil
}

func (k *Keyring) databaseKeyAAD(id DatabaseID, wrapping, key uint32) []byte {
	var epochs [8]byte
	binary.BigEndian.PutUint32(epochs[:], wrapping)
	binary.BigEndian.PutUint32(epochs[4:], key)
	return appendFields(nil, []byte("settle/dbkey/1"), k.id[:], id[:], epochs[:])
}

// Epoch returns the epoch of the key that seals.
func (k *DatabaseKey) Epoch() uint32 { return k.epochs[len(k.epochs)-1].number }

// subkey returns the cipher for a purpose under the key of an epoch.
func (k *DatabaseKey) subkey(epoch uint32, p Purpose) (cipher.AEAD, error) {
	id := subkeyID{epoch, p}
	if aead, ok := k.subkeys.Load(id); ok {
		return aead.(cipher.AEAD), nil
	}
	for _, e := range k.epochs {
		if e.number != epoch {
			continue
		}
		sub, err := hkdf.Expand(sha256.New, e.key[:], string(p), keySize)
		if err != nil {
			return nil, err
		}
		aead, err := chacha20poly1305.NewX(sub)
		if err != nil {
			return nil, err
		}
		k.subkeys.Store(id, aead)
		return aead, nil
	}
	return nil, fmt.Errorf("%w: sealed under key epoch %d, which the database does not hold", ErrDamaged, epoch)
}

// Format implements fmt.Formatter: a key prints as [redacted].
func (DatabaseKey) Format(w fmt.State, _ rune) { io.WriteString(w, redacted) }

// String returns [redacted].
func (DatabaseKey) String() string { return redacted }

// GoString returns [redacted].
func (DatabaseKey) GoString() string { return redacted }

// LogValue implements slog.LogValuer.
func (DatabaseKey) LogValue() slog.Value { return slog.StringValue(redacted) }
