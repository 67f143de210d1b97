package crypt

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
)

// UnlockOptions say where a store and its identity are. DataDir is required; a
// nil Getenv is os.Getenv, a nil Logger drops what it is told.
type UnlockOptions struct {
	DataDir  string
	Identity string // a path; empty: where IdentityPath says
	Getenv   func(string) string
	Logger   *slog.Logger

	// AcceptKeyring takes a keyring that is not the pinned one, and pins it.
	AcceptKeyring bool
	// ReadOnly makes and writes nothing, neither store nor identity nor pin.
	ReadOnly bool
	// NeedIdentity makes no identity: without an identity file it is an error. For
	// places that are thrown away with what is in them, as a container's.
	NeedIdentity bool

	// Passphrase asks for the passphrase of the identity file. nil: nobody to ask.
	Passphrase func() (string, error)
	// PIN answers an age plugin that asks for a secret, in words of its own. nil:
	// nobody to ask.
	PIN func(plugin, question string) (string, error)
}

// Unlocked is an opened keyring, and what was made on the way.
type Unlocked struct {
	Keyring         *Keyring
	IdentityPath    string
	CreatedIdentity bool
	CreatedStore    bool // the keyring; the store itself is made by its engine
}

// Unlock opens the keyring of a data directory, and makes it, and if there is
// none the identity, where the directory is missing or empty. The caller holds the
// directory's lock; a file named LOCK does not count as contents.
//
// Nothing is ever made over existing data, and after an error nothing is there
// that was not before, but an identity file and a pin, which the next call uses or
// ignores.
//
// Errors: ErrNoIdentity, ErrBadIdentity, ErrWrongIdentity, ErrNoKeyring,
// ErrNoStore, ErrPinned, ErrNewerFormat, ErrDamaged, those of the file system.
func Unlock(ctx context.Context, o UnlockOptions) (*Unlocked, error) {
	u, err := newUnlocker(o)
	if err != nil {
		return nil, err
	}
	if err := refuseInside(o.DataDir, u.path); err != nil {
		return nil, err
	}
	state, err := dataDirState(o.DataDir)
	if err != nil {
		return nil, err
	}
	switch {
	case state == dirForeign:
		return nil, fmt.Errorf("%w: %s; nothing was changed", ErrNoKeyring, o.DataDir)
	case state == dirHasKeyring:
		return u.open(ctx)
	case o.ReadOnly:
		return nil, fmt.Errorf("%w in %s", ErrNoStore, o.DataDir)
	}
	return u.create(ctx)
}

type unlocker struct {
	UnlockOptions
	path      string // of the identity file
	inDefault bool   // path is the default place
	wanted    string // SETTLE_STORE_ID
}

func newUnlocker(o UnlockOptions) (*unlocker, error) {
	if o.Getenv == nil {
		o.Getenv = os.Getenv
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.DataDir == "" {
		return nil, errors.New("no data directory is named")
	}
	os.Unsetenv("AGEDEBUG") // with it, age writes what plugins are told to stderr, file keys too
	path, err := IdentityPath(o.Identity, o.Getenv)
	if err != nil {
		return nil, err
	}
	usual, err := defaultIdentityPath(o.Getenv)
	inDefault := err == nil && filepath.Clean(usual) == filepath.Clean(path)
	return &unlocker{o, path, inDefault, o.Getenv("SETTLE_STORE_ID")}, nil
}

// open opens the keyring that is there.
func (u *unlocker) open(ctx context.Context) (*Unlocked, error) {
	id, err := u.readIdentity()
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s does not exist, and the store in %s cannot be opened without it", ErrNoIdentity, u.path, u.DataDir)
	}
	if err != nil {
		return nil, err
	}
	k, err := ReadKeyring(ctx, u.DataDir, id)
	if err != nil {
		return nil, err
	}
	write, err := checkPin(filepath.Dir(u.path), k, u.wanted, u.AcceptKeyring)
	if err != nil {
		return nil, err
	}
	if write && !u.ReadOnly {
		if err := u.pin(k); err != nil {
			return nil, err
		}
	}
	return &Unlocked{Keyring: k, IdentityPath: u.path}, nil
}

// create makes a store's keyring: identity, pin, then the keyring, each durable
// before the next.
func (u *unlocker) create(ctx context.Context) (*Unlocked, error) {
	if u.wanted != "" {
		return nil, fmt.Errorf("%w: SETTLE_STORE_ID names a store, but %s is empty", ErrNoStore, u.DataDir)
	}
	id, created, err := u.readOrCreateIdentity()
	if err != nil {
		return nil, err
	}
	if len(id.recipients) == 0 {
		return nil, fmt.Errorf("%w: %s names no recipient; add the plugin's in a comment, \"# public key: age1…\"", ErrBadIdentity, u.path)
	}
	k, err := NewKeyring(id.recipients...)
	if err != nil {
		return nil, err
	}
	if err := u.makeDataDir(); err != nil {
		return nil, err
	}
	if err := u.pin(k); err != nil {
		return nil, err
	}
	if err := WriteKeyring(ctx, u.DataDir, k); err != nil {
		return nil, err
	}
	return &Unlocked{Keyring: k, IdentityPath: u.path, CreatedIdentity: created, CreatedStore: true}, nil
}

func (u *unlocker) readOrCreateIdentity() (id *Identity, created bool, err error) {
	id, err = u.readIdentity()
	if !errors.Is(err, os.ErrNotExist) {
		return id, false, err
	}
	if u.NeedIdentity {
		return nil, false, fmt.Errorf("%w: %s does not exist, and none is made here; make it with: mkdir -p -m 700 %s; age-keygen -o %s",
			ErrNoIdentity, u.path, filepath.Dir(u.path), u.path)
	}
	id, err = CreateIdentity(u.path)
	return id, true, err
}

// readIdentity reads the identity file, after its permissions.
func (u *unlocker) readIdentity() (*Identity, error) {
	info, err := os.Stat(u.path)
	if err != nil {
		return nil, err
	}
	if open := info.Mode().Perm() & 0o077; open != 0 {
		if u.inDefault {
			return nil, fmt.Errorf("%w: %s is open to other users (mode %04o); chmod 600 it", ErrBadIdentity, u.path, info.Mode().Perm())
		}
		u.Logger.Warn("the identity file is open to other users", "path", u.path, "mode", fmt.Sprintf("%04o", info.Mode().Perm()))
	}
	return identityReader{u.Passphrase, pluginUI(u.Logger, u.PIN)}.read(u.path)
}

// pin writes the pin. Where it cannot be written, and nothing else pins the
// store, the operator is told how.
func (u *unlocker) pin(k *Keyring) error {
	readOnly, err := writePin(filepath.Dir(u.path), k)
	if err != nil {
		return fmt.Errorf("writing the pin beside %s: %w", u.path, err)
	}
	if readOnly && u.wanted == "" {
		u.Logger.Warn("no pin can be written beside the identity file; set SETTLE_STORE_ID, so that no other store is taken for this one",
			"path", u.path, "store_id", k.id.String())
	}
	return nil
}

// makeDataDir makes the data directory, and shuts an existing one to others. Where
// the latter is not permitted, as on some mounts, it is only told.
func (u *unlocker) makeDataDir() error {
	if err := makeDirs(u.DataDir); err != nil {
		return err
	}
	info, err := os.Stat(u.DataDir)
	if err != nil {
		return err
	}
	if info.Mode().Perm()&0o077 != 0 {
		if err := os.Chmod(u.DataDir, 0o700); err != nil {
			u.Logger.Warn("the data directory is open to other users", "path", u.DataDir, "err", err)
		}
	}
	return nil
}

type dirState int

const (
	dirEmpty dirState = iota
	dirHasKeyring
	dirForeign
)

// dataDirState tells what the directory holds. A lock, what a crash left of the
// first keyring, and what a fresh ext4 volume has, count as nothing.
func dataDirState(dir string) (dirState, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return dirEmpty, nil
	}
	if err != nil {
		return 0, err
	}
	state := dirEmpty
	for _, e := range entries {
		switch {
		case e.Name() == KeyringFile:
			return dirHasKeyring, nil
		case !slices.Contains([]string{"LOCK", keyringTemp, "lost+found"}, e.Name()):
			state = dirForeign
		}
	}
	return state, nil
}

// refuseInside fails if the identity file is, or would be, inside the data
// directory: who copies the data would have the identity with it.
func refuseInside(dataDir, identity string) error {
	data, err := resolve(dataDir)
	if err != nil {
		return err
	}
	path, err := resolve(identity)
	if err != nil {
		return err
	}
	dataInfo, dataErr := os.Stat(data)
	for dir := path; ; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		if dir == data || err == nil && dataErr == nil && os.SameFile(info, dataInfo) {
			return fmt.Errorf("%w: %s is inside the data directory %s; a copy of the data would hold the identity too", ErrBadIdentity, identity, dataDir)
		}
		if dir == filepath.Dir(dir) {
			return nil
		}
	}
}

// resolve makes a path absolute and free of symbolic links, as far as it exists.
func resolve(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	var missing []string
	for {
		real, err := filepath.EvalSymlinks(path)
		if err == nil {
			return filepath.Join(append([]string{real}, missing...)...), nil
		}
		if !errors.Is(err, os.ErrNotExist) || path == filepath.Dir(path) {
			return "", err
		}
		missing = append([]string{filepath.Base(path)}, missing...)
		path = filepath.Dir(path)
	}
}
