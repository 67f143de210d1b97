package crypt

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"slices"
)

// StoreID names a store. It is random, and shown only to the operator: a keyring
// with a given id cannot be forged by who does not know the id.
type StoreID [16]byte

// String returns the id as 32 hexadecimal digits.
func (s StoreID) String() string { return hex.EncodeToString(s[:]) }

// ParseStoreID reads what String printed.
func ParseStoreID(s string) (StoreID, error) {
	var id StoreID
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != len(id) {
		return id, fmt.Errorf("a store id has %d hexadecimal digits", 2*len(id))
	}
	copy(id[:], b)
	return id, nil
}

// Keyring holds the keys of a store: for each epoch a store key, from which the
// files under the engine have theirs, and a wrapping key, under which the
// databases' keys stand in the store. A running server reads it only; the
// methods that change it are for the commands that manage keys, and are not safe
// for concurrent use with anything else.
type Keyring struct {
	id         StoreID
	epochs     []epochKeys // ascending by number, never empty; the last one is for what is new
	recipients []string    // age recipients; the keyring's file is encrypted to all of them
}

type epochKeys struct {
	number      uint32
	storeKey    secret
	wrappingKey secret
}

// NewKeyring makes the keyring of a new store, at epoch 1. Without recipients it
// can be used, but not written to a file.
func NewKeyring(recipients ...string) (*Keyring, error) {
	k := &Keyring{epochs: []epochKeys{newEpochKeys(1)}}
	rand.Read(k.id[:])
	for _, r := range recipients {
		if err := k.AddRecipient(r); err != nil {
			return nil, err
		}
	}
	return k, nil
}

func newEpochKeys(number uint32) epochKeys {
	return epochKeys{number: number, storeKey: newSecret(), wrappingKey: newSecret()}
}

// StoreID returns the id of the store.
func (k *Keyring) StoreID() StoreID { return k.id }

// Epoch returns the newest epoch, whose keys are used for everything new.
func (k *Keyring) Epoch() uint32 { return k.epochs[len(k.epochs)-1].number }

// Epochs returns the epochs whose keys the keyring holds, ascending.
func (k *Keyring) Epochs() []uint32 {
	out := make([]uint32, len(k.epochs))
	for i, e := range k.epochs {
		out[i] = e.number
	}
	return out
}

// Recipients returns the age recipients to whom the keyring is encrypted.
func (k *Keyring) Recipients() []string { return slices.Clone(k.recipients) }

// Rotate begins a new epoch with new keys. The older ones stay, so that what
// they seal can be read until it has been sealed anew.
func (k *Keyring) Rotate() { k.epochs = append(k.epochs, newEpochKeys(k.Epoch()+1)) }

// ForgetBefore removes the keys of the epochs before the given one, which is at
// most the newest. What they sealed cannot be opened any more.
func (k *Keyring) ForgetBefore(epoch uint32) {
	epoch = min(epoch, k.Epoch())
	k.epochs = slices.DeleteFunc(k.epochs, func(e epochKeys) bool { return e.number < epoch })
}

func (k *Keyring) epoch(number uint32) (*epochKeys, bool) {
	for i := range k.epochs {
		if k.epochs[i].number == number {
			return &k.epochs[i], true
		}
	}
	return nil, false
}

func (k *Keyring) newest() *epochKeys { return &k.epochs[len(k.epochs)-1] }

// Format implements fmt.Formatter: a keyring prints as [redacted].
func (Keyring) Format(w fmt.State, _ rune) { io.WriteString(w, redacted) }

// String returns [redacted].
func (Keyring) String() string { return redacted }

// GoString returns [redacted].
func (Keyring) GoString() string { return redacted }

// LogValue implements slog.LogValuer.
func (Keyring) LogValue() slog.Value { return slog.StringValue(redacted) }
