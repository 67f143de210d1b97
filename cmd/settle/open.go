package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"

	"github.com/cockroachdb/pebble/v2/vfs"

	"settle/server/auth"
	"settle/storage"
	"settle/storage/crypt"
	"settle/storage/design"
	"settle/storage/kv"
	"settle/storage/validation"
)

// location says where a store and its identity are.
type location struct {
	Data     string `required:"" type:"directory" placeholder:"DIR" env:"SETTLE_DATA" help:"The data directory."`
	Identity string `type:"path" placeholder:"FILE" env:"SETTLE_IDENTITY" help:"The identity file that opens the store; outside the data directory. Default: settle.identity in $$CREDENTIALS_DIRECTORY, else settle/identity in $$XDG_CONFIG_HOME."`
	PINFile  string `name:"pin-file" type:"path" placeholder:"FILE" help:"Holds the PIN that an age plugin asks for. Default: settle.pin in $$CREDENTIALS_DIRECTORY, else the terminal."`
}

// opening says how to open a store.
type opening struct {
	location
	readOnly      bool
	acceptKeyring bool
	needIdentity  bool
	getenv        func(string) string
	logger        *slog.Logger
	fatal         func(error) // called once the engine can write no more
}

// opened is an open store and what it stands on.
type opened struct {
	*storage.Store
	unlocked *crypt.Unlocked
	engine   *kv.Pebble
	lock     io.Closer
	// functions runs design documents' functions; what they log may be of documents,
	// and goes nowhere.
	functions *design.Engine
}

// lockData locks the data directory, which it makes where there is none.
func (o opening) lockData() (*dataLock, error) {
	lock := &dataLock{dir: o.Data}
	info, err := os.Stat(o.Data)
	switch {
	case err == nil && !info.IsDir():
		return nil, o.unusable(fmt.Errorf("%s is not a directory", o.Data))
	case errors.Is(err, fs.ErrNotExist) && !o.readOnly:
		if err := makeDir(o.Data); err != nil {
			return nil, err
		}
		lock.madeDir = true
	}
	_, err = os.Stat(lock.file())
	lock.madeFile = errors.Is(err, fs.ErrNotExist)
	held, err := kv.LockDir(vfs.Default, o.Data)
	if o.readOnly && errors.Is(err, syscall.EROFS) {
		lock.madeFile = false
		held, err = kv.LockDir(lockless{vfs.Default}, o.Data)
	}
	if errors.Is(err, kv.ErrLocked) {
		return nil, fmt.Errorf("another process has the data directory %s open", o.Data)
	}
	if err != nil {
		return nil, &exitError{exitUsage, err}
	}
	lock.Lock = held
	return lock, nil
}

// unusable is the error of a data directory that is none. A check tells by its exit
// code that it could not even begin.
func (o opening) unusable(err error) error {
	if o.readOnly {
		return &exitError{exitUsage, err}
	}
	return err
}

// open opens the store under the lock. The store has the lock from then on.
func (o opening) open(ctx context.Context, lock *dataLock) (*opened, error) {
	engine, unlocked, err := o.openEngine(ctx, lock)
	if err != nil {
		return nil, err
	}
	functions := design.New(design.Options{})
	store, err := storage.Open(ctx, storage.Options{
		KV: engine, Keyring: unlocked.Keyring, BlobFS: vfs.Default, BlobDir: o.blobDir(), Logger: o.logger,
		Validator: validation.New(functions, auth.DefaultSecurity),
	})
	if err != nil {
		return nil, errors.Join(err, engine.Close())
	}
	return &opened{Store: store, unlocked: unlocked, engine: engine, lock: lock, functions: functions}, nil
}

// openEngine unlocks the keyring and opens the engine under the lock.
func (o opening) openEngine(ctx context.Context, lock *dataLock) (*kv.Pebble, *crypt.Unlocked, error) {
	unlocked, err := o.unlock(ctx)
	if err != nil {
		return nil, nil, err
	}
	engine, err := kv.OpenPebble(kv.PebbleOptions{
		FS: crypt.NewFS(vfs.Default, unlocked.Keyring), Dir: o.Data, Lock: lock.Lock,
		Logger: o.logger, ReadOnly: o.readOnly, Fatal: o.fatal,
	})
	return engine, unlocked, err
}

// unlock opens the keyring.
func (o opening) unlock(ctx context.Context) (*crypt.Unlocked, error) {
	user := &terminal{}
	defer user.Close()
	ask := func(question string) (string, error) { return user.ask(ctx, question) }
	pin, known, err := o.readPIN()
	if err != nil {
		return nil, err
	}
	pins := pins{known: known, pin: pin, ask: ask, logger: o.logger}
	return crypt.Unlock(ctx, crypt.UnlockOptions{
		DataDir: o.Data, Identity: o.Identity, Getenv: o.getenv, Logger: o.logger,
		AcceptKeyring: o.acceptKeyring, ReadOnly: o.readOnly, NeedIdentity: o.needIdentity,
		Passphrase: func() (string, error) { return ask("Passphrase of the identity") },
		PIN:        pins.answer,
	})
}

// blobDir is the directory of the large blobs.
func (o opening) blobDir() string { return filepath.Join(o.Data, "blobs") }

// Close ends the store, then what it stands on, then the lock.
func (o *opened) Close() error {
	return errors.Join(o.Store.Close(), o.functions.Close(), o.engine.Close(), o.lock.Close())
}
