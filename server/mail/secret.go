package mail

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Secret is what the ids of deliveries are made with. It must stay the same for as long
// as an agent tries to deliver a message, or the message may be delivered twice.
type Secret struct{ key [32]byte }

// NewSecret returns a random secret.
func NewSecret() (s Secret) {
	rand.Read(s.key[:])
	return s
}

// OpenSecret reads a secret from a file, which it makes durably where there is none.
func OpenSecret(path string) (Secret, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return createSecret(path)
	}
	if err != nil {
		return Secret{}, err
	}
	raw, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(raw) != len(Secret{}.key) {
		return Secret{}, fmt.Errorf("%s holds no secret of settle's", path)
	}
	return Secret{key: [32]byte(raw)}, nil
}

func createSecret(path string) (Secret, error) {
	s := NewSecret()
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return Secret{}, err
	}
	_, err = fmt.Fprintf(f, "%x\n", s.key[:])
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = syncDir(filepath.Dir(path))
	}
	if err != nil {
		return Secret{}, errors.Join(err, os.Remove(path))
	}
	return s, nil
}

func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// Format implements fmt.Formatter: a secret prints as [redacted].
func (Secret) Format(w fmt.State, _ rune) { io.WriteString(w, "[redacted]") }
