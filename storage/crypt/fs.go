package crypt

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// NewFS returns a file system that keeps everything written through it sealed
// in inner: files as FORMAT.md describes them, under names, in directories and of
// numbers that stay visible. It is made for Pebble and keeps to what Pebble does
// with files:
//
//   - A file is written once, from its beginning, and never opened for writing
//     again. OpenReadWrite and WriteAt are refused; ReuseForWrite removes the old
//     file and makes a new one.
//   - Logs (*.log, MANIFEST-*) are durable up to the last Sync or SyncData that
//     returned, and can be read while they are written. Every other file is
//     durable, and readable, after Close has returned without an error.
//   - A file is bound to its base name. Rename to a name that it is not bound
//     to is refused, Link is unsupported, so that Pebble copies.
//   - After a failed write or sync a file refuses everything.
//
// Reading what was changed gives an error that matches ErrDamaged.
func NewFS(inner vfs.FS, k *Keyring) vfs.FS { return newFS(inner, k, preferredSuite()) }

func newFS(inner vfs.FS, k *Keyring, s Suite) *sealedFS {
	return &sealedFS{inner: inner, keys: k, suite: s, live: map[string]*logWriter{}}
}

type sealedFS struct {
	inner vfs.FS
	keys  *Keyring
	suite Suite
	// onSeal is handed to every file's cipher; see fileCipher.
	onSeal func(salt [saltSize]byte, nonce []byte)

	mu   sync.Mutex
	live map[string]*logWriter // the logs being written, by name; guarded by mu
}

var _ vfs.FS = (*sealedFS)(nil)

// boundName is the name that a file's key is derived with: the base name, but
// for options files, which Pebble writes under a temporary name and renames.
func boundName(base string) string {
	if strings.HasSuffix(base, ".dbtmp") || strings.HasPrefix(base, "OPTIONS-") {
		return "OPTIONS"
	}
	return base
}

// isLog tells the files that are written in many small pieces, each synced, and
// read in order, from those that are written whole.
func isLog(base string) bool {
	return strings.HasSuffix(base, ".log") || strings.HasPrefix(base, "MANIFEST-")
}

// Create makes an empty file with a key of its own. An existing one is removed first.
func (fs *sealedFS) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	base := fs.inner.PathBase(name)
	c, header, err := newFileCipher(fs.keys, fs.suite, boundName(base))
	if err != nil {
		return nil, err
	}
	c.onSeal = fs.onSeal
	f, err := fs.inner.Create(name, category)
	if err != nil {
		return nil, err
	}
	if !isLog(base) {
		return newPagedWriter(f, c, header), nil
	}
	w := newLogWriter(f, c, header)
	w.zerosAhead = strings.HasSuffix(base, ".log")
	w.onClose = func() { fs.forget(name, w) }
	fs.mu.Lock()
	fs.live[name] = w
	fs.mu.Unlock()
	return w, nil
}

func (fs *sealedFS) forget(name string, w *logWriter) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if fs.live[name] == w {
		delete(fs.live, name)
	}
}

// Open opens a file for reading.
func (fs *sealedFS) Open(name string, opts ...vfs.OpenOption) (vfs.File, error) {
	base := fs.inner.PathBase(name)
	f, err := fs.inner.Open(name, opts...)
	if err != nil {
		return nil, err
	}
	if isLog(base) {
		fs.mu.Lock()
		w := fs.live[name]
		fs.mu.Unlock()
		return newLogReader(f, fs.keys, base, w), nil
	}
	r, err := newPagedReader(f, fs.keys, boundName(base))
	if err != nil {
		f.Close()
		return nil, err
	}
	return r, nil
}

// ReuseForWrite removes oldname and creates newname: writing over a file in
// place would put two texts under one key.
func (fs *sealedFS) ReuseForWrite(oldname, newname string, category vfs.DiskWriteCategory) (vfs.File, error) {
	if err := fs.inner.Remove(oldname); err != nil {
		return nil, err
	}
	return fs.Create(newname, category)
}

// OpenReadWrite is refused.
func (fs *sealedFS) OpenReadWrite(name string, _ vfs.DiskWriteCategory, _ ...vfs.OpenOption) (vfs.File, error) {
	return nil, unsupported("open for writing", name)
}

// Link is refused: a file is bound to its name. Pebble copies instead.
func (fs *sealedFS) Link(oldname, _ string) error { return unsupported("link", oldname) }

// Rename renames a directory, or a file to a name that it is bound to.
func (fs *sealedFS) Rename(oldname, newname string) error {
	if boundName(fs.inner.PathBase(oldname)) != boundName(fs.inner.PathBase(newname)) {
		info, err := fs.inner.Stat(oldname)
		if err != nil {
			return err
		}
		if !info.IsDir() {
			return unsupported("rename to another name", oldname)
		}
	}
	return fs.inner.Rename(oldname, newname)
}

func unsupported(op, name string) error {
	return fmt.Errorf("%s %s: a sealed file is bound to its name and written once: %w", op, name, vfs.ErrUnsupported)
}

// Stat describes a file. The size is that of the contents, but for logs, where it
// is the size on disk: what a log holds is known only by reading it.
func (fs *sealedFS) Stat(name string) (vfs.FileInfo, error) {
	info, err := fs.inner.Stat(name)
	if err != nil || info.IsDir() || info.Size() == 0 || isLog(fs.inner.PathBase(name)) {
		return info, err
	}
	f, err := fs.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.Stat()
}

func (fs *sealedFS) OpenDir(name string) (vfs.File, error)       { return fs.inner.OpenDir(name) }
func (fs *sealedFS) Remove(name string) error                    { return fs.inner.Remove(name) }
func (fs *sealedFS) RemoveAll(name string) error                 { return fs.inner.RemoveAll(name) }
func (fs *sealedFS) MkdirAll(dir string, perm os.FileMode) error { return fs.inner.MkdirAll(dir, perm) }
func (fs *sealedFS) Lock(name string) (io.Closer, error)         { return fs.inner.Lock(name) }
func (fs *sealedFS) List(dir string) ([]string, error)           { return fs.inner.List(dir) }
func (fs *sealedFS) PathBase(path string) string                 { return fs.inner.PathBase(path) }
func (fs *sealedFS) PathJoin(elem ...string) string              { return fs.inner.PathJoin(elem...) }
func (fs *sealedFS) PathDir(path string) string                  { return fs.inner.PathDir(path) }
func (fs *sealedFS) GetDiskUsage(path string) (vfs.DiskUsage, error) {
	return fs.inner.GetDiskUsage(path)
}
func (fs *sealedFS) Unwrap() vfs.FS { return fs.inner }

// sizedInfo is a file's description with the size of its contents.
type sizedInfo struct {
	vfs.FileInfo
	size int64
}

func (i sizedInfo) Size() int64 { return i.size }
