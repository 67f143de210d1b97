package crypt

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"filippo.io/age"
	"filippo.io/age/plugin"
)

const (
	// KeyringFile is the keyring's name in the data directory.
	KeyringFile = "keyring.age"

	keyringTemp    = KeyringFile + ".tmp"
	keyringFormat  = 1
	maxKeyringSize = 1 << 20
)

// keyringJSON is the plaintext of the keyring file.
type keyringJSON struct {
	Format     int         `json:"format"`
	StoreID    string      `json:"store_id"`
	Epochs     []epochJSON `json:"epochs"`
	Recipients []string    `json:"recipients"`
}

type epochJSON struct {
	Epoch       uint32 `json:"epoch"`
	StoreKey    []byte `json:"store_key"`
	WrappingKey []byte `json:"wrapping_key"`
}

// marshal encodes the keyring, in clear.
func (k *Keyring) marshal() ([]byte, error) {
	out := keyringJSON{Format: keyringFormat, StoreID: k.id.String(), Recipients: k.recipients}
	for _, e := range k.epochs {
		out.Epochs = append(out.Epochs, epochJSON{e.number, e.storeKey[:], e.wrappingKey[:]})
	}
	return json.Marshal(out)
}

// unmarshalKeyring decodes what marshal made. Its errors name no contents.
func unmarshalKeyring(b []byte) (*Keyring, error) {
	var version struct{ Format int }
	if err := json.Unmarshal(b, &version); err != nil || version.Format < 1 {
		return nil, fmt.Errorf("%w: the keyring is malformed", ErrDamaged)
	}
	if version.Format > keyringFormat {
		return nil, fmt.Errorf("%w (%d; this one knows %d)", ErrNewerFormat, version.Format, keyringFormat)
	}
	var in keyringJSON
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&in); err != nil {
		return nil, fmt.Errorf("%w: the keyring is malformed", ErrDamaged)
	}
	id, err := ParseStoreID(in.StoreID)
	if err != nil {
		return nil, fmt.Errorf("%w: the keyring has no store id", ErrDamaged)
	}
	k := &Keyring{id: id, recipients: in.Recipients}
	for _, e := range in.Epochs {
		if err := k.appendEpoch(e); err != nil {
			return nil, err
		}
	}
	if len(k.epochs) == 0 {
		return nil, fmt.Errorf("%w: the keyring holds no keys", ErrDamaged)
	}
	return k, nil
}

func (k *Keyring) appendEpoch(e epochJSON) error {
	if len(e.StoreKey) != keySize || len(e.WrappingKey) != keySize {
		return fmt.Errorf("%w: a key of the keyring has the wrong length", ErrDamaged)
	}
	if e.Epoch == 0 || len(k.epochs) > 0 && e.Epoch <= k.Epoch() {
		return fmt.Errorf("%w: the keyring's epochs do not ascend", ErrDamaged)
	}
	k.epochs = append(k.epochs, epochKeys{e.Epoch, secret(e.StoreKey), secret(e.WrappingKey)})
	return nil
}

// WriteKeyring encrypts the keyring to its recipients and puts it into the
// directory. It is durable when WriteKeyring returns; after a crash or an error
// the directory has the former keyring, whole, or none if there was none.
func WriteKeyring(ctx context.Context, dir string, k *Keyring) error {
	if len(k.recipients) == 0 {
		return fmt.Errorf("%w: the keyring has no recipients", ErrRecipient)
	}
	recipients, err := parseRecipients(k.recipients, noTerminal)
	if err != nil {
		return err
	}
	plain, err := k.marshal()
	if err != nil {
		return err
	}
	var sealed bytes.Buffer
	err = withDeadline(ctx, recipientPlugins(recipients), func() error {
		w, err := age.Encrypt(&sealed, recipients...)
		if err != nil {
			return err
		}
		if _, err := w.Write(plain); err != nil {
			return err
		}
		return w.Close()
	})
	if err != nil {
		return fmt.Errorf("encrypting the keyring: %w", err)
	}
	return writeFileAtomically(dir, keyringTemp, KeyringFile, sealed.Bytes())
}

// ReadKeyring opens the keyring of the data directory with an identity.
//
// Errors: ErrWrongIdentity, ErrNewerFormat, ErrDamaged, those of the file system.
func ReadKeyring(ctx context.Context, dir string, id *Identity) (*Keyring, error) {
	sealed, err := readSmallFile(filepath.Join(dir, KeyringFile), maxKeyringSize)
	if err != nil {
		return nil, err
	}
	var plain []byte
	err = withDeadline(ctx, id.plugins, func() error {
		r, err := age.Decrypt(bytes.NewReader(sealed), id.identities...)
		if err != nil {
			return err
		}
		plain, err = io.ReadAll(r)
		return err
	})
	if _, wrong := errors.AsType[*age.NoIdentityMatchError](err); wrong {
		return nil, fmt.Errorf("%w: identity %s, keyring %s", ErrWrongIdentity, id.path, filepath.Join(dir, KeyringFile))
	}
	if err != nil && len(id.plugins) > 0 {
		return nil, fmt.Errorf("opening %s with %s: %w", filepath.Join(dir, KeyringFile), id.path, err)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrDamaged, filepath.Join(dir, KeyringFile), err)
	}
	return unmarshalKeyring(plain)
}

func recipientPlugins(rs []age.Recipient) []string {
	var names []string
	for _, r := range rs {
		if p, ok := r.(*plugin.Recipient); ok {
			names = append(names, p.Name())
		}
	}
	return names
}
