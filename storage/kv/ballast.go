package kv

import (
	"errors"
	"os"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// ballastName is the file that keeps the reserve.
const ballastName = "RESERVE"

// ballast is a file without content, there for the space it takes.
type ballast struct {
	fs   vfs.FS
	dir  string
	size uint64 // 0: none
}

func (b *ballast) path() string { return b.fs.PathJoin(b.dir, ballastName) }

// make takes the space.
func (b *ballast) make() error {
	if b.size == 0 {
		return nil
	}
	before, errBefore := b.fs.GetDiskUsage(b.dir)
	f, err := b.fs.Create(b.path(), vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	err = f.Preallocate(0, int64(b.size))
	after, errAfter := b.fs.GetDiskUsage(b.dir)
	held := err == nil && errBefore == nil && errAfter == nil && after.AvailBytes+b.size/2 <= before.AvailBytes
	if !held { // not every file system can set space aside
		err = b.fill(f)
	}
	return errors.Join(err, f.Close())
}

// fill takes the space by writing.
func (b *ballast) fill(f vfs.File) error {
	block := make([]byte, 64<<10)
	for left := b.size; left > 0; {
		n := min(left, uint64(len(block)))
		if _, err := f.Write(block[:n]); err != nil {
			return err
		}
		left -= n
	}
	return f.Sync()
}

// remove gives the space back.
func (b *ballast) remove() error {
	if err := b.fs.Remove(b.path()); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}
