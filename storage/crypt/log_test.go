package crypt_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"settle/storage/crypt"
)

// logOf writes records to a log, and syncs behind those that synced names. It
// returns the bytes on disk and the sector at which each record's frame begins.
func logOf(t testing.TB, k *crypt.Keyring, records []string, synced ...int) (b []byte, starts []int) {
	t.Helper()
	mem := vfs.NewMem()
	if err := mem.MkdirAll("store", 0o700); err != nil {
		t.Fatal(err)
	}
	f, err := crypt.NewFSOf(crypt.SuiteAESGCM, mem, k, nil).Create("store/000001.log", vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	at := 1
	for i, r := range records {
		if _, err := f.Write([]byte(r)); err != nil {
			t.Fatal(err)
		}
		starts = append(starts, at)
		at += (len(r) + 48 + crypt.SectorSize - 1) / crypt.SectorSize
		if slices.Contains(synced, i) {
			if err := f.Sync(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return snapshot(t, mem, "store")["000001.log"], starts
}

func readLog(t testing.TB, k *crypt.Keyring, b []byte) (string, error) {
	t.Helper()
	f, err := crypt.NewFS(image{"000001.log": b}.fs(t), k).Open("store/000001.log")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	got, err := io.ReadAll(f)
	return string(got), err
}

// TestLogEnd: what a log that was changed in one place still gives, and when that
// is an error.
func TestLogEnd(t *testing.T) {
	long := string(bytes.Repeat([]byte("c"), 2000)) // five sectors
	records := []string{"aaaa", "bbbb", long, "dddd", "eeee"}
	const s = crypt.SectorSize
	k := newKeyring(t)
	zero := func(b []byte, sector int) { clear(b[sector*s : (sector+1)*s]) }
	tests := map[string]struct {
		synced []int
		change func(b []byte, starts []int) []byte
		want   string
		err    error
	}{
		"unchanged": {nil, func(b []byte, _ []int) []byte { return b }, "aaaabbbb" + long + "ddddeeee", nil},
		"the last frame torn": {[]int{3}, func(b []byte, at []int) []byte { zero(b, at[4]); return b },
			"aaaabbbb" + long + "dddd", nil},
		"torn in its middle, what follows is older than any sync": {[]int{1}, func(b []byte, at []int) []byte { zero(b, at[2]+3); return b },
			"aaaabbbb", nil},
		"torn at its beginning, what follows is older than any sync": {[]int{1}, func(b []byte, at []int) []byte { zero(b, at[2]); return b },
			"aaaabbbb", nil},
		"torn, but a later frame knows that it was synced": {[]int{2}, func(b []byte, at []int) []byte { zero(b, at[2]+3); return b },
			"aaaabbbb", crypt.ErrDamaged},
		"torn, but the very last frame knows that it was synced": {[]int{3}, func(b []byte, at []int) []byte { zero(b, at[2]); zero(b, at[3]); return b },
			"aaaabbbb", crypt.ErrDamaged},
		"cut behind a frame": {[]int{4}, func(b []byte, at []int) []byte { return b[:at[2]*s] }, "aaaabbbb", nil},
		"cut in a frame":     {[]int{4}, func(b []byte, at []int) []byte { return b[:at[2]*s+700] }, "aaaabbbb", nil},
		"cut in the header":  {[]int{4}, func(b []byte, at []int) []byte { return b[:60] }, "", nil},
		"header zeroed":      {[]int{4}, func(b []byte, at []int) []byte { zero(b, 0); return b }, "", nil},
		"header's filling":   {nil, func(b []byte, at []int) []byte { b[100] = 1; return b }, "", crypt.ErrDamaged},
		"a bit of the last frame": {nil, func(b []byte, at []int) []byte { b[at[4]*s+300] ^= 1; return b },
			"aaaabbbb" + long + "dddd", crypt.ErrDamaged},
		"a bit of a frame's length": {nil, func(b []byte, at []int) []byte { b[at[4]*s+3] ^= 1; return b },
			"aaaabbbb" + long + "dddd", crypt.ErrDamaged},
		"garbage behind the end": {nil, func(b []byte, at []int) []byte { b[(at[4]+1)*s+9] = 7; return b },
			"aaaabbbb" + long + "ddddeeee", crypt.ErrDamaged},
		"two frames swapped": {nil, func(b []byte, at []int) []byte {
			first := slices.Clone(b[at[0]*s : at[1]*s])
			copy(b[at[0]*s:], b[at[1]*s:at[2]*s])
			copy(b[at[1]*s:], first)
			return b
		}, "", crypt.ErrDamaged},
		"a frame put again at the end": {nil, func(b []byte, at []int) []byte {
			copy(b[(at[4]+1)*s:], b[at[0]*s:at[1]*s])
			return b
		}, "aaaabbbb" + long + "ddddeeee", crypt.ErrDamaged},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			b, starts := logOf(t, k, records, tt.synced...)
			got, err := readLog(t, k, tt.change(b, starts))
			if got != tt.want || !errors.Is(err, tt.err) || err != nil && tt.err == nil {
				t.Errorf("read %d bytes, %v; want %d, %v", len(got), err, len(tt.want), tt.err)
			}
		})
	}
}

// TestLongWrites: a write that no frame can hold becomes several.
func TestLongWrites(t *testing.T) {
	k := newKeyring(t)
	records := []string{"a", string(bytes.Repeat([]byte("b"), 3<<20)), "c", string(bytes.Repeat([]byte("d"), 1<<20))}
	b, _ := logOf(t, k, records, 1)
	got, err := readLog(t, k, b)
	if err != nil || got != records[0]+records[1]+records[2]+records[3] {
		t.Errorf("read %d bytes, %v", len(got), err)
	}
}

// TestReadWhileWritten: a reader sees whole writes only, and goes on where more come.
func TestReadWhileWritten(t *testing.T) {
	fs := crypt.NewFS(vfs.NewMem(), newKeyring(t))
	w, err := fs.Create("000001.log", vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	r, err := fs.Open("000001.log")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for i := range 50 {
		if b, err := io.ReadAll(r); err != nil || len(b) != 0 {
			t.Fatalf("before write %d: %q, %v", i, b, err)
		}
		want := bytes.Repeat([]byte(fmt.Sprint(i)), 1+i*40)
		if _, err := w.Write(want); err != nil {
			t.Fatal(err)
		}
		if b, err := io.ReadAll(r); err != nil || !bytes.Equal(b, want) {
			t.Fatalf("after write %d: %d bytes, %v", i, len(b), err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

// FuzzLog: whatever stands in a log, a reader ends, with a prefix of what was
// written. Inputs change a good log: bytes from an offset on.
func FuzzLog(f *testing.F) {
	k := newKeyring(f)
	good, _ := logOf(f, k, []string{"aaaa", string(bytes.Repeat([]byte("b"), 3000)), "cccc"}, 0, 1)
	whole, err := readLog(f, k, good)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(uint16(0), []byte("settleF"), uint16(9999))
	f.Add(uint16(512), make([]byte, 512), uint16(4000))
	f.Fuzz(func(t *testing.T, at uint16, change []byte, cut uint16) {
		b := slices.Clone(good)
		copy(b[min(int(at), len(b)):], change)
		got, _ := readLog(t, k, b[:min(int(cut), len(b))])
		if len(got) > len(whole) || got != whole[:len(got)] {
			t.Fatal("read what was never written")
		}
	})
}

// FuzzPages does the same for a file of pages.
func FuzzPages(f *testing.F) {
	k, mem := newKeyring(f), image{}.fs(f)
	want := bytes.Repeat([]byte("0123456789"), 1000)
	writeFile(f, crypt.NewFS(mem, k), "store/000001.sst", want, func() int { return 777 })
	good := snapshot(f, mem, "store")["000001.sst"]
	f.Add(uint16(0), []byte("settleF"), uint16(9999))
	f.Add(uint16(4160), make([]byte, 12), uint16(4160))
	f.Fuzz(func(t *testing.T, at uint16, change []byte, cut uint16) {
		b := slices.Clone(good)
		copy(b[min(int(at), len(b)):], change)
		b = b[:min(int(cut), len(b))]
		file, err := crypt.NewFS(image{"000001.sst": b}.fs(t), k).Open("store/000001.sst")
		if err != nil {
			return
		}
		defer file.Close()
		got, err := io.ReadAll(file)
		if !bytes.HasPrefix(want, got) {
			t.Fatal("read what was never written")
		}
		if err == nil && len(b) > 0 && !bytes.Equal(got, want) {
			t.Fatal("a changed file was read without an error")
		}
	})
}

// FuzzOpen: a sealed value that was changed does not open, and nothing panics.
func FuzzOpen(f *testing.F) {
	d, _ := newDatabaseKey(f, newKeyring(f), crypt.DatabaseID{1})
	good := d.Seal(crypt.PurposeBody, bytes.Repeat([]byte(`{"a":1}`), 50), []byte("doc"))
	f.Add(good)
	f.Fuzz(func(t *testing.T, b []byte) {
		_, err := d.Open(crypt.PurposeBody, b, 1<<20, []byte("doc"))
		if (err == nil) != bytes.Equal(b, good) {
			t.Fatal(err)
		}
		d.UnwrapBlobKey(b, []byte("doc"))
		crypt.Tag(b)
		crypt.SealedEpoch(b)
	})
}
