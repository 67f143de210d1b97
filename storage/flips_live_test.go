package storage_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"path"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"settle/storage/couch"
)

// killed is what a store leaves on the disk that was killed while it ran, with
// all the states that it has been in.
type killed struct {
	b      *bench // without a store
	now    string
	states map[string]bool
}

// killStore makes a store of two databases, of every kind of row and file, with
// tables in several levels and a log that holds what no table does.
func killStore(t *testing.T) *killed {
	b := newBench(t)
	k := &killed{states: map[string]bool{"": true}}
	note := func() {
		t.Helper()
		var err error
		if k.now, err = everything(b); err != nil {
			t.Fatal(err)
		}
		k.states[k.now] = true
	}
	ctx := context.Background()
	for _, name := range []string{"one", "two"} {
		db := b.create(name)
		note()
		for n := range 2 {
			large := strings.Repeat(fmt.Sprint(name, " large ", n), 10_000)
			rev := mustPut(t, db, fmt.Sprint("doc", n), "", `{"n":1}`, blob(t, db, "large", "text/plain", large), blob(t, db, "small", "text/plain", name))
			note()
			mustPut(t, db, fmt.Sprint("doc", n), rev, `{"n":2}`, couch.Attachment{Name: "large", Stub: true})
			note()
			local := &couch.LocalDocument{ID: "_local/checkpoint", Body: couch.Body{Text: fmt.Appendf(nil, `{"n":%d}`, n)}}
			if _, err := db.PutLocal(ctx, local); err != nil {
				t.Fatal(err)
			}
			note()
			if n == 0 { // a part of it goes to tables
				if err := db.Compact(ctx); err != nil {
					t.Fatal(err)
				}
				note()
			}
		}
	}
	db := b.create("bulky") // more than one table holds
	note()
	for n := range 3 {
		text := make([]byte, 900<<10)
		rng := rand.NewChaCha8([32]byte{byte(n)})
		_, _ = rng.Read(text)
		mustPut(t, db, fmt.Sprint("doc", n), "", `{"text":"`+base64.StdEncoding.EncodeToString(text)+`"}`)
		note()
	}
	b.reopen() // which flushes, and begins a log
	var err error
	if db, err = b.store.Database(ctx, "two"); err != nil {
		t.Fatal(err)
	}
	for n := range 3 {
		mustPut(t, db, fmt.Sprint("late", n), "", `{"n":3}`)
		note()
	}
	k.b = &bench{t: t, fs: copyFS(t, b.fs), dir: b.dir, keyring: b.keyring}
	return k
}

// read opens a copy of the store that change was made to, and judges what it
// gives: an error, or what was there, or, where the change is one to a log or the
// manifest, what was there before (FORMAT.md, threat model).
func (k *killed) read(t *testing.T, what string, mayRollBack bool, change func(fs vfs.FS)) (outcome string) {
	t.Helper()
	fs := copyFS(t, k.b.fs)
	change(fs)
	got, err := (&bench{t: t, fs: fs, dir: k.b.dir, keyring: k.b.keyring}).openAndRead()
	switch {
	case err != nil:
		return "an error"
	case got == k.now:
		return "no effect"
	case mayRollBack && k.states[got]:
		return "rolled back"
	}
	t.Errorf("%s: the store gives other answers, and no error", what)
	return "forged"
}

// kind says which files may stand in each other's place.
func kind(name string) string {
	base := path.Base(name)
	switch {
	case strings.HasPrefix(base, "MANIFEST-"), strings.HasPrefix(base, "OPTIONS-"):
		base, _, _ = strings.Cut(base, "-")
		return base
	case strings.HasPrefix(base, "marker."):
		return "marker"
	case strings.HasPrefix(name, "data/blobs/"):
		return "blob"
	}
	return path.Ext(base)
}

func rollsBack(name string) bool { return kind(name) == ".log" || kind(name) == "MANIFEST" }

func TestKilledStoreReads(t *testing.T) {
	k := killStore(t)
	if got := k.read(t, "nothing changed", false, func(vfs.FS) {}); got != "no effect" {
		t.Errorf("a store that was killed gives %s", got)
	}
}

// TestKilledStoreFlipped flips bits of every file, those of the log too.
func TestKilledStoreFlipped(t *testing.T) {
	k := killStore(t)
	rng := rand.New(rand.NewPCG(3, 4))
	outcomes := make(map[string]int)
	for _, name := range blobFiles(t, k.b.fs, "data") {
		sound := readFile(t, k.b.fs, name)
		for range min(6, len(sound)) {
			at, bit := rng.IntN(len(sound)), rng.IntN(8)
			for rng.IntN(5000) > 0 && sound[at] == 0 { // a log is set aside in zeros
				at = rng.IntN(len(sound))
			}
			o := k.read(t, fmt.Sprintf("%s, byte %d, bit %d", name, at, bit), rollsBack(name), func(fs vfs.FS) {
				forged := bytes.Clone(sound)
				forged[at] ^= 1 << bit
				writeFile(t, fs, name, forged)
			})
			outcomes[kind(name)+": "+o]++
		}
	}
	t.Log(outcomes)
	for _, want := range []string{".log: an error", ".sst: an error", "MANIFEST: an error", "blob: an error"} {
		if outcomes[want] == 0 {
			t.Errorf("of all flips none gave %s", want)
		}
	}
}

// TestKilledStoreLosesAFile removes each file in turn.
func TestKilledStoreLosesAFile(t *testing.T) {
	k := killStore(t)
	outcomes := make(map[string]int)
	for _, name := range blobFiles(t, k.b.fs, "data") {
		o := k.read(t, name+" removed", rollsBack(name), func(fs vfs.FS) {
			if err := fs.Remove(name); err != nil {
				t.Fatal(err)
			}
		})
		outcomes[kind(name)+": "+o]++
	}
	t.Log(outcomes)
	if outcomes[".sst: an error"] == 0 || outcomes["blob: an error"] == 0 {
		t.Error("no loss was noticed")
	}
}

// TestKilledStoreSwapped puts each pair of files of a kind in each other's place.
func TestKilledStoreSwapped(t *testing.T) {
	k := killStore(t)
	names := blobFiles(t, k.b.fs, "data")
	outcomes := make(map[string]int)
	for i, a := range names {
		for _, b := range names[:i] {
			if kind(a) != kind(b) {
				continue
			}
			o := k.read(t, a+" and "+b+" swapped", rollsBack(a), func(fs vfs.FS) {
				writeFile(t, fs, a, readFile(t, k.b.fs, b))
				writeFile(t, fs, b, readFile(t, k.b.fs, a))
			})
			outcomes[kind(a)+": "+o]++
		}
	}
	t.Log(outcomes)
	if outcomes[".sst: an error"] == 0 || outcomes["blob: an error"] == 0 {
		t.Error("no swap was noticed")
	}
}
