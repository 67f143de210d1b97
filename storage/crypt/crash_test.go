package crypt_test

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"settle/storage/crypt"
)

// TestCrashes cuts the power at random moments, four times in a row, with none to
// all of what was not synced on disk: what was synced is there, and the store is as
// it was after some op.
func TestCrashes(t *testing.T) {
	for seed := range uint64(12) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 99))
			w, k := workload{seed}, newKeyring(t)
			s := []crypt.Suite{crypt.SuiteAESGCM, crypt.SuiteXChaCha}[seed%2]
			mem := vfs.NewCrashableMem()
			done := 0
			for range 4 {
				db := openStore(t, crypt.NewFSOf(s, mem, k, noncesOnce(t)))
				m, err := contents(db)
				if err != nil {
					t.Fatal(err)
				}
				done = w.checkPrefix(t, m, done)
				mem, done = crashDuring(t, db, mem, w, done, rng)
			}
			m, err := readStore(t, crypt.NewFSOf(s, mem, k, nil))
			if err != nil {
				t.Fatal(err)
			}
			w.checkPrefix(t, m, done)
		})
	}
}

// crashDuring writes on from op done, and returns the disk as it is after a power
// cut at a random op, and the op that was durable then.
func crashDuring(t *testing.T, db *pebble.DB, mem *vfs.MemFS, w workload, done int, rng *rand.Rand) (*vfs.MemFS, int) {
	t.Helper()
	defer db.Close()
	durable, last := done, done+1+rng.IntN(150)
	for n := done + 1; n <= last; n++ {
		o := pebble.NoSync
		if rng.IntN(4) == 0 {
			o = pebble.Sync
		}
		if err := w.apply(db, n, o); err != nil {
			t.Fatal(err)
		}
		if o == pebble.Sync {
			durable = n
		}
		if rng.IntN(60) == 0 {
			if _, err := db.AsyncFlush(); err != nil {
				t.Fatal(err)
			}
		}
	}
	percent := []int{0, 20, 50, 80, 100}[rng.IntN(5)]
	return mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: rng}), durable
}

// noncesOnce fails the test when a file uses a nonce twice.
func noncesOnce(t testing.TB) func(salt [32]byte, nonce []byte) {
	var mu sync.Mutex
	seen := map[string]bool{}
	return func(salt [32]byte, nonce []byte) {
		mu.Lock()
		defer mu.Unlock()
		id := string(salt[:]) + string(nonce)
		if seen[id] {
			t.Error("a nonce was used twice under one key")
		}
		seen[id] = true
	}
}

// TestEveryWriteFails fails the disk at each write, sync and rename in turn, with one
// suite or the other. Pebble ends the process, or gives an error; the disk then holds an
// earlier state, no plaintext, and no nonce was used twice.
func TestEveryWriteFails(t *testing.T) {
	const ops = 40
	w, k := workload{21}, newKeyring(t)
	for at := int32(1); ; at++ {
		suite := []crypt.Suite{crypt.SuiteAESGCM, crypt.SuiteXChaCha}[at%2]
		mem, disk := vfs.NewCrashableMem(), &failAt{}
		disk.left.Store(at)
		fs := crypt.NewFSOf(suite, errorfs.Wrap(mem, disk), k, noncesOnce(t))
		durable := runUntilFailure(fs, w, ops)
		files := snapshot(t, mem, "")
		maps.Copy(files, imageOf(t, mem))
		for name, b := range files {
			if bytes.Contains(b, []byte(planted)) {
				t.Fatalf("write %d failed, and %s holds plaintext", at, name)
			}
		}
		after := mem.CrashClone(vfs.CrashCloneCfg{})
		db := openStore(t, crypt.NewFSOf(suite, after, k, nil))
		m, err := contents(db)
		if err != nil {
			t.Fatal(err)
		}
		w.checkPrefix(t, m, durable)
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		if disk.left.Load() > 0 {
			if at < 100 {
				t.Fatalf("only %d writes", at)
			}
			return
		}
	}
}

// failAt fails one write or sync of a file. Directories always work: without a new
// log Pebble ends the process on the spot.
type failAt struct{ left atomic.Int32 }

func (f *failAt) MaybeError(op errorfs.Op) error {
	if op.Kind < errorfs.OpFilePreallocate || op.Kind.ReadOrWrite() != errorfs.OpIsWrite || op.Path == "store" || f.left.Add(-1) != 0 {
		return nil
	}
	return errorfs.ErrInjected
}

func (f *failAt) String() string { return "" }

func imageOf(t testing.TB, fs vfs.FS) image {
	if _, err := fs.Stat("store"); err != nil {
		return nil
	}
	return snapshot(t, fs, "store")
}

// stuckLogger stands for the end of the process: it tells of it, and never returns.
type stuckLogger struct{ fatal chan struct{} }

func (stuckLogger) Infof(string, ...any)  {}
func (stuckLogger) Errorf(string, ...any) {}
func (l stuckLogger) Fatalf(string, ...any) {
	select {
	case l.fatal <- struct{}{}:
	default:
	}
	select {}
}

// runUntilFailure writes a table by itself, then ops to a new store, until something
// fails or Pebble ends the process. It returns the last op that was durable.
func runUntilFailure(fs vfs.FS, w workload, ops int) int {
	var acked atomic.Int64
	fatal, done := make(chan struct{}, 1), make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			recover() // Pebble, ending the process
		}()
		writeTable(fs)
		writeOps(fs, fatal, w, &acked, 1, ops)
	}()
	select {
	case <-fatal:
	case <-done:
	}
	return int(acked.Load())
}

// writeTable goes on after failures, as a caller that tries again would.
func writeTable(fs vfs.FS) {
	f, err := fs.Create("table.sst", vfs.WriteCategoryUnspecified)
	if err != nil {
		return
	}
	for range 20 {
		f.Write(bytes.Repeat([]byte(planted), 1000))
		f.Sync()
	}
	f.Close()
}

func writeOps(fs vfs.FS, fatal chan struct{}, w workload, acked *atomic.Int64, first, last int) error {
	o := options(nil, fs)
	o.Logger = stuckLogger{fatal}
	o.MemTableSize = 8 << 20 // one log: what fails while Pebble changes it ends the process
	db, err := pebble.Open("store", o)
	if err != nil {
		return err
	}
	for n := first; n <= last; n++ {
		if err := w.apply(db, n, pebble.Sync); err != nil {
			return err
		}
		acked.Store(int64(n))
	}
	return db.Close()
}

// TestFailureIsFinal: after a write or sync has failed a file refuses everything,
// and Close fails.
func TestFailureIsFinal(t *testing.T) {
	for _, name := range []string{"000001.log", "000002.sst", "MANIFEST-000003"} {
		toggle := errorfs.Toggle{Injector: errorfs.ErrInjected.If(errorfs.Writes)}
		fs := crypt.NewFS(errorfs.Wrap(vfs.NewMem(), &toggle), newKeyring(t))
		f, err := fs.Create(name, vfs.WriteCategoryUnspecified)
		if err != nil {
			t.Fatal(err)
		}
		long := make([]byte, 200_000)
		if _, err := f.Write(long); err != nil {
			t.Fatal(err)
		}
		toggle.On()
		if _, err := f.Write(long); err == nil {
			t.Errorf("%s: a failed write went through", name)
		}
		toggle.Off()
		if _, err := f.Write(long); err == nil {
			t.Errorf("%s: a write after a failed one went through", name)
		}
		if err := f.Sync(); err == nil {
			t.Errorf("%s: a sync after a failed write went through", name)
		}
		if err := f.Close(); err == nil {
			t.Errorf("%s: Close after a failed write went through", name)
		}
	}
}

// TestCheckpointDuringWrites opens checkpoints that were taken while the log and
// the manifest were being written.
func TestCheckpointDuringWrites(t *testing.T) {
	t.Chdir(t.TempDir())
	w, k := workload{31}, newKeyring(t)
	fs := crypt.NewFS(vfs.Default, k)
	db := openStore(t, fs)
	var mu sync.Mutex
	durable, stop, done := 0, make(chan struct{}), make(chan error, 1)
	go func() {
		for n := 1; ; n++ {
			select {
			case <-stop:
				done <- nil
				return
			default:
			}
			if err := w.apply(db, n, pebble.Sync); err != nil {
				done <- err
				return
			}
			mu.Lock()
			durable = n
			mu.Unlock()
		}
	}()
	for i := range 8 {
		mu.Lock()
		least := durable
		mu.Unlock()
		dir := fmt.Sprintf("checkpoint%d", i)
		if err := db.Checkpoint(dir); err != nil {
			t.Fatal(err)
		}
		copied, err := pebble.Open(dir, options(t, fs))
		if err != nil {
			t.Fatal(err)
		}
		m, err := contents(copied)
		if err != nil {
			t.Fatal(err)
		}
		w.checkPrefix(t, m, least)
		copied.Close()
	}
	close(stop)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}
