package kv

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// guardFS stands between Pebble and its file system. Where a write fails that
// Pebble would answer by panicking or by ending the process, it ends the engine
// instead: it reports the failure and keeps the goroutine, which holds Pebble's
// locks and must not go on. It also keeps tables from taking the last space.
type guardFS struct {
	vfs.FS
	health *health
	space  *space
	armed  atomic.Bool // false while Pebble opens and closes: there, errors come back
	staged vfs.FS      // tables in memory, which Pebble is to take over
}

// vital reports whether Pebble cannot go on without the file.
func vital(name string) bool {
	base := filepath.Base(name)
	return strings.HasSuffix(base, ".log") || strings.HasPrefix(base, "MANIFEST-") ||
		strings.HasPrefix(base, "marker.")
}

// bulky reports whether the file is one of those that take the space.
func bulky(name string) bool {
	return strings.HasSuffix(name, ".sst") || strings.HasSuffix(name, ".blob")
}

// flushCategory is how Pebble marks the tables that a memtable is written to.
const flushCategory vfs.DiskWriteCategory = "pebble-memtable-flush"

// bulkCategory marks the tables of commits that go past the log.
const bulkCategory vfs.DiskWriteCategory = "settle-bulk"

// check ends the engine when err is not nil.
func (g *guardFS) check(op, name string, err error) error {
	if err == nil || !g.armed.Load() {
		return err
	}
	g.health.fail(fmt.Errorf("%s %s: %w", op, filepath.Base(name), err))
	select {} // the owner of the engine ends the process
}

// stagedPrefix begins the names of tables that are in memory.
const stagedPrefix = "staged-"

func isStaged(name string) bool { return strings.HasPrefix(name, stagedPrefix) }

// Open implements vfs.FS.
func (g *guardFS) Open(name string, opts ...vfs.OpenOption) (vfs.File, error) {
	if isStaged(name) {
		return g.staged.Open(name, opts...)
	}
	return g.FS.Open(name, opts...)
}

// Remove implements vfs.FS.
func (g *guardFS) Remove(name string) error {
	if isStaged(name) {
		return g.staged.Remove(name)
	}
	return g.FS.Remove(name)
}

// Link writes a staged table to a file, and syncs that; the directory is Pebble's to sync.
// Behind other errors than that a file does not exist Pebble would copy the table, and
// not look at all errors of that.
func (g *guardFS) Link(old, name string) error {
	if !isStaged(old) {
		return g.FS.Link(old, name)
	}
	err := g.write(old, name)
	if err != nil {
		err = errors.Join(err, fs.ErrNotExist, g.staged.Remove(old))
	}
	return err
}

func (g *guardFS) write(old, name string) error {
	from, err := g.staged.Open(old)
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := g.Create(name, bulkCategory)
	if err != nil {
		return err
	}
	_, err = io.Copy(to, from)
	if err == nil {
		err = to.Sync()
	}
	if err = errors.Join(err, to.Close()); err != nil {
		_ = g.FS.Remove(name)
	}
	return err
}

// Create implements vfs.FS.
func (g *guardFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if bulky(name) {
		if err := g.space.spend(0, c == flushCategory); err != nil {
			return nil, err
		}
	}
	f, err := g.FS.Create(name, c)
	if err == nil && bulky(name) {
		return &bulkyFile{File: f, space: g.space, category: c}, nil
	}
	return g.wrap("create", name, f, err)
}

// ReuseForWrite implements vfs.FS.
func (g *guardFS) ReuseForWrite(old, name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := g.FS.ReuseForWrite(old, name, c)
	return g.wrap("create", name, f, err)
}

// OpenDir implements vfs.FS.
func (g *guardFS) OpenDir(name string) (vfs.File, error) {
	f, err := g.FS.OpenDir(name)
	if err != nil {
		return nil, err
	}
	return &vitalFile{File: f, fs: g, name: name}, nil
}

// GetDiskUsage implements vfs.FS. Pebble asks it how large a compaction may be.
func (g *guardFS) GetDiskUsage(path string) (vfs.DiskUsage, error) {
	usage, err := g.FS.GetDiskUsage(path)
	usage.AvailBytes = g.space.forCompactions(usage.AvailBytes)
	return usage, err
}

// Unwrap implements vfs.FS.
func (g *guardFS) Unwrap() vfs.FS { return g.FS }

func (g *guardFS) wrap(op, name string, f vfs.File, err error) (vfs.File, error) {
	if !vital(name) {
		return f, err
	}
	if err := g.check(op, name, err); err != nil {
		return nil, err
	}
	return &vitalFile{File: f, fs: g, name: name}, nil
}

// vitalFile is a log, a manifest, a marker or the directory.
type vitalFile struct {
	vfs.File
	fs   *guardFS
	name string
}

func (f *vitalFile) Write(p []byte) (int, error) {
	n, err := f.File.Write(p)
	return n, f.fs.check("write", f.name, err)
}

// Preallocate takes nothing ahead for a log while the space is short.
func (f *vitalFile) Preallocate(offset, length int64) error {
	if f.fs.space.short.Load() {
		return vfs.ErrUnsupported
	}
	return f.File.Preallocate(offset, length)
}

func (f *vitalFile) Sync() error {
	return f.fs.check("sync", f.name, f.File.Sync())
}

func (f *vitalFile) SyncData() error {
	return f.fs.check("sync", f.name, f.File.SyncData())
}

func (f *vitalFile) SyncTo(length int64) (bool, error) {
	full, err := f.File.SyncTo(length)
	return full, f.fs.check("sync", f.name, err)
}

func (f *vitalFile) Close() error {
	return f.fs.check("close", f.name, f.File.Close())
}

// bulkyFile is a table or blob file; Pebble survives an error and tries again.
type bulkyFile struct {
	vfs.File
	space    *space
	category vfs.DiskWriteCategory
}

func (f *bulkyFile) Write(p []byte) (int, error) {
	if err := f.space.spend(len(p), f.category == flushCategory); err != nil {
		return 0, err
	}
	switch f.category {
	case flushCategory:
		f.space.flushed.Add(uint64(len(p)))
	case bulkCategory: // is no part of what flushes and compactions are to write
	default:
		f.space.merged.Add(uint64(len(p)))
	}
	return f.File.Write(p)
}

var _ vfs.FS = (*guardFS)(nil)
