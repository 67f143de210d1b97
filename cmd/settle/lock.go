package main

import (
	"os"
	"path/filepath"

	"github.com/cockroachdb/pebble/v2"
)

// dataLock is the lock of a data directory.
type dataLock struct {
	*pebble.Lock
	dir  string
	made bool // the directory was made to be locked
}

// abandon takes the lock off after a failure, and the directory away where it
// was made and holds nothing else.
func (l *dataLock) abandon() {
	if l.made {
		if entries, err := os.ReadDir(l.dir); err == nil && len(entries) == 1 {
			os.Remove(filepath.Join(l.dir, "LOCK"))
		}
	}
	l.Close()
	if l.made {
		os.Remove(l.dir) // fails where there is something in it
	}
}
