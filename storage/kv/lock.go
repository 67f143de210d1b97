package kv

import (
	"errors"
	"fmt"
	"syscall"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// LockDir locks an existing data directory against other processes, and against
// a second lock in this one, which fails with [ErrLocked]. It touches nothing
// but the file LOCK. The lock ends with its Close, or with the process; a store
// that was opened with it is closed first.
func LockDir(fs vfs.FS, dir string) (*pebble.Lock, error) {
	// Without it, a missing directory and a held lock look the same on some systems.
	if _, err := fs.Stat(dir); err != nil {
		return nil, err
	}
	lock, err := pebble.LockDirectory(dir, fs)
	if err == nil {
		return lock, nil
	}
	held := errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EACCES) ||
		err.Error() == "lock held by current process"
	if held {
		return nil, fmt.Errorf("%w: %s", ErrLocked, dir)
	}
	return nil, fmt.Errorf("lock %s: %w", dir, err)
}
