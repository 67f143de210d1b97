package main

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// dataLock is the lock of a data directory.
type dataLock struct {
	*pebble.Lock
	dir      string
	madeDir  bool // the directory was made to be locked
	madeFile bool // so was the lock's file
}

// file returns the path of the lock's file.
func (l *dataLock) file() string { return filepath.Join(l.dir, "LOCK") }

// makeDir makes a directory, and those that lead to it, durably: without that a
// power cut could take the directory, and all that was acknowledged in it.
func makeDir(dir string) error {
	parent := filepath.Dir(dir)
	if _, err := os.Stat(parent); errors.Is(err, fs.ErrNotExist) && parent != dir {
		if err := makeDir(parent); err != nil {
			return err
		}
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	d, err := os.Open(parent)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// abandon takes the lock off after a failure, with what was made for it, unless
// the directory holds more by now.
func (l *dataLock) abandon() {
	if l.madeFile && !l.hasStore() {
		os.Remove(l.file())
	}
	l.Close()
	if l.madeDir {
		os.Remove(l.dir) // fails where there is something in it
	}
}

// withdraw takes the lock off, with its file where that was made for it.
func (l *dataLock) withdraw() error {
	var err error
	if l.madeFile {
		err = os.Remove(l.file())
	}
	return errors.Join(err, l.Close())
}

// lockless is a file system that cannot be written to, nor locked, then.
type lockless struct{ vfs.FS }

// Lock locks nothing.
func (lockless) Lock(string) (io.Closer, error) { return io.NopCloser(nil), nil }

// hasStore reports whether the directory has a keyring.
func (l *dataLock) hasStore() bool {
	_, err := os.Stat(filepath.Join(l.dir, "keyring.age"))
	return err == nil
}
