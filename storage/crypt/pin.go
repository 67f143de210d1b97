package crypt

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

const pinSuffix = ".pin"

// pin is what a file <store id>.pin beside the identity says: the keyring that
// was last seen. An age file does not tell who made it, so whoever can write the
// data directory could put a keyring of his own there; the pin tells.
type pin struct {
	Format  int    `json:"format"`
	StoreID string `json:"store_id"`
	Epoch   uint32 `json:"epoch"`
}

func pinOf(k *Keyring) pin { return pin{Format: 1, StoreID: k.id.String(), Epoch: k.Epoch()} }

func pinPath(dir string, id StoreID) string { return filepath.Join(dir, id.String()+pinSuffix) }

// checkPin compares the keyring with the pins in dir and with SETTLE_STORE_ID,
// and tells whether a pin is to be written. With accept, only a SETTLE_STORE_ID
// of another store is an error.
func checkPin(dir string, k *Keyring, wanted string, accept bool) (write bool, err error) {
	if err := checkWanted(k, wanted); err != nil {
		return false, err
	}
	path := pinPath(dir, k.id)
	b, err := readSmallFile(path, 4096)
	switch {
	case errors.Is(err, os.ErrNotExist):
		if accept || wanted != "" {
			return true, nil
		}
		return true, refuseOtherStore(dir, k)
	case err != nil:
		return false, err
	case accept:
		return true, nil
	}
	var p pin
	if err := json.Unmarshal(b, &p); err != nil || p.Format != 1 || p.StoreID != k.id.String() {
		return false, fmt.Errorf("%w: %s is malformed", ErrPinned, path)
	}
	if p.Epoch > k.Epoch() {
		return false, fmt.Errorf("%w: its newest epoch is %d, but epoch %d has been seen (%s); --accept-keyring accepts it",
			ErrPinned, k.Epoch(), p.Epoch, path)
	}
	return p.Epoch != k.Epoch(), nil
}

// checkWanted compares the keyring with SETTLE_STORE_ID.
func checkWanted(k *Keyring, wanted string) error {
	if wanted == "" {
		return nil
	}
	id, err := ParseStoreID(wanted)
	if err != nil {
		return fmt.Errorf("SETTLE_STORE_ID: %w", err)
	}
	if id != k.id {
		return fmt.Errorf("%w: it is of store %s, SETTLE_STORE_ID names %s", ErrPinned, k.id, id)
	}
	return nil
}

// refuseOtherStore fails if dir has pins, of other stores.
func refuseOtherStore(dir string, k *Keyring) error {
	others, err := filepath.Glob(filepath.Join(escapeGlob(dir), "*"+pinSuffix))
	if err != nil || len(others) == 0 {
		return err
	}
	return fmt.Errorf("%w: it is of store %s, which has no pin beside the identity, while others have (%s); --accept-keyring accepts it",
		ErrPinned, k.id, others[0])
}

func escapeGlob(dir string) string {
	var out []rune
	for _, r := range dir {
		switch r {
		case '*', '?', '[', '\\':
			out = append(out, '\\')
		}
		out = append(out, r)
	}
	return string(out)
}

// writePin writes the keyring's pin. readOnly tells that the place cannot be
// written to, which is no error.
func writePin(dir string, k *Keyring) (readOnly bool, err error) {
	b, err := json.Marshal(pinOf(k))
	if err != nil {
		return false, err
	}
	name := filepath.Base(pinPath(dir, k.id))
	err = writeFileAtomically(dir, name+".tmp", name, append(b, '\n'))
	if errors.Is(err, os.ErrPermission) || errors.Is(err, syscall.EROFS) {
		return true, nil
	}
	return false, err
}
