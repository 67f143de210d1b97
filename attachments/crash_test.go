package attachments_test

import (
	"bytes"
	"errors"
	"maps"
	"math/rand/v2"
	"sync"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"settle/attachments"
	"settle/storage/couch"
)

// After the commit a blob is whole; before it there is at most a file that Sweep
// removes.
func TestCrashAroundCommit(t *testing.T) {
	for _, size := range []int{1000, 100_000, 300_000} {
		mem := vfs.NewCrashableMem()
		e := newEnv(t, mem)
		content := noise(size, 1)
		p := e.write(content)
		before := openEnv(t, mem.CrashClone(vfs.CrashCloneCfg{}), e.key, 0)
		id := e.commit(p)
		after := openEnv(t, mem.CrashClone(vfs.CrashCloneCfg{}), e.key, 0)

		if _, err := before.load(id); !errors.Is(err, couch.ErrNotFound) {
			t.Errorf("size %d, before: %v", size, err)
		}
		_, err := before.store.Sweep(t.Context(), before.existing)
		must(t, err)
		if files := before.files(); len(files) != 0 {
			t.Errorf("size %d, before: Sweep left %v", size, files)
		}
		if got, err := after.get(id, 0, -1); err != nil || !bytes.Equal(got, content) {
			t.Errorf("size %d, after: %d bytes, %v", size, len(got), err)
		}
	}
}

// world is what was acknowledged when the power went.
type world struct {
	mu    sync.Mutex
	alive map[couch.BlobID][]byte // committed, and nobody began to delete it
	dead  map[couch.BlobID]bool   // deleted
}

func TestCrashAnywhere(t *testing.T) {
	for seed := range uint64(25) {
		rng := rand.New(rand.NewPCG(seed, 7))
		mem := vfs.NewCrashableMem()
		w := &world{alive: map[couch.BlobID][]byte{}, dead: map[couch.BlobID]bool{}}
		var clone *vfs.MemFS
		var known world
		countdown := 40 + rng.IntN(160)
		cfg := vfs.CrashCloneCfg{UnsyncedDataPercent: rng.IntN(101), RNG: rand.New(rand.NewPCG(seed, 8))}
		hook := errorfs.InjectorFunc(func(errorfs.Op) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			if countdown--; countdown == 0 {
				clone = mem.CrashClone(cfg)
				known.alive, known.dead = maps.Clone(w.alive), maps.Clone(w.dead)
			}
			return nil
		})
		e := newEnv(t, errorfs.Wrap(mem, hook))
		for range 60 {
			step(e, w, rng)
		}
		if clone != nil {
			inspect(t, openEnv(t, clone, e.key, 0), &known)
		}
	}
}

func step(e *env, w *world, rng *rand.Rand) {
	w.mu.Lock()
	var victim couch.BlobID
	for id := range w.alive {
		victim = id
	}
	remove := len(w.alive) > 0 && rng.IntN(4) == 0
	if remove {
		delete(w.alive, victim)
	}
	w.mu.Unlock()
	if remove {
		e.delete(victim)
		w.mu.Lock()
		w.dead[victim] = true
		w.mu.Unlock()
		return
	}
	content := noise(sizes[rng.IntN(len(sizes))], rng.Uint64())
	p := e.write(content)
	if rng.IntN(5) == 0 {
		p.Discard()
		return
	}
	e.commit(p)
	w.mu.Lock()
	w.alive[p.BlobID()] = content
	w.mu.Unlock()
}

func inspect(t *testing.T, e *env, known *world) {
	t.Helper()
	for id, content := range known.alive {
		if got, err := e.get(id, 0, -1); err != nil || !bytes.Equal(got, content) {
			t.Errorf("a committed blob of %d bytes: %d bytes, %v", len(content), len(got), err)
		}
	}
	for id := range known.dead {
		if _, err := e.load(id); !errors.Is(err, couch.ErrNotFound) {
			t.Errorf("a deleted blob: %v", err)
		}
	}
	_, problems := e.check()
	for id, err := range problems {
		if err != attachments.ErrOrphan {
			t.Errorf("blob %s: %v", id, err)
		}
	}
	_, err := e.store.Sweep(t.Context(), e.existing)
	must(t, err)
	if _, problems := e.check(); len(problems) != 0 {
		t.Errorf("after Sweep: %v", problems)
	}
}

// Every operation of the file system fails once.
func TestFileErrors(t *testing.T) {
	content := noise(200_000, 1)
	for index, done := int32(0), false; !done; index++ {
		e := newEnv(t, vfs.NewMem())
		inject := errorfs.OnIndex(index)
		store := attachments.New(attachments.Options{FS: errorfs.Wrap(e.fs, inject), Root: root})
		blobs := store.Database(partition, e.key, prefix)
		p, err := blobs.Write(t.Context(), bytes.NewReader(content), 0)
		if err != nil {
			if !errors.Is(err, errorfs.ErrInjected) || !errors.Is(err, &couch.Error{Kind: couch.Internal}) {
				t.Errorf("operation %d: error %v", index, err)
			}
			if files := e.files(); len(files) != 0 {
				t.Errorf("operation %d: left %v", index, files)
			}
			continue
		}
		e.commit(p)
		blob, err := loadFrom(e, blobs, p.BlobID())
		must(t, err)
		got, err := readBlob(blob)
		if err != nil && !errors.Is(err, errorfs.ErrInjected) || errors.Is(err, couch.ErrCorrupt) {
			t.Errorf("operation %d: error %v", index, err)
		}
		if !bytes.HasPrefix(content, got) || err == nil && len(got) != len(content) {
			t.Errorf("operation %d: wrong bytes", index)
		}
		done = err == nil && inject.Load() > 0
	}
}

func TestNoSpace(t *testing.T) {
	e := newEnv(t, vfs.NewMem())
	full := errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind == errorfs.OpFileWrite {
			return syscall.ENOSPC
		}
		return nil
	})
	store := attachments.New(attachments.Options{FS: errorfs.Wrap(e.fs, full), Root: root})
	_, err := store.Database(partition, e.key, prefix).Write(t.Context(), bytes.NewReader(noise(100_000, 1)), 0)
	if !errors.Is(err, couch.ErrNoSpace) {
		t.Errorf("error %v", err)
	}
	if files := e.files(); len(files) != 0 {
		t.Errorf("left %v", files)
	}
}
