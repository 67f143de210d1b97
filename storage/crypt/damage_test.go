package crypt_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"settle/storage/crypt"
)

// flips is how many bits of each file are flipped, one at a time.
const flips = 60

// TestBitFlips: after any bit of any file has changed, the store gives an error,
// or the right answer.
func TestBitFlips(t *testing.T) {
	for name, s := range suites {
		t.Run(name, func(t *testing.T) {
			k, w := newKeyring(t), workload{11}
			img, want := smallStore(t, s, k, w), w.after(smallOps)
			rng := rand.New(rand.NewPCG(1, 2))
			for _, file := range img.names() {
				errs := 0
				for i := range flips {
					b := slices.Clone(img[file])
					bit := rng.IntN(8 * contentEnd(b))
					if i%10 == 9 { // in the zeros ahead of a log's end, too
						bit = rng.IntN(8 * len(b))
					}
					b[bit/8] ^= 1 << (bit % 8)
					m, err := readStore(t, crypt.NewFS(img.with(file, b).fs(t), k))
					switch {
					case err != nil:
						errs++
					case diff(m, want) != "":
						t.Fatalf("%s, bit %d: wrong answer: %s", file, bit, diff(m, want))
					}
				}
				t.Logf("%s: %d bytes, %d of %d flips found", file, len(img[file]), errs, flips)
				if errs < flips*8/10 {
					t.Errorf("%s: only %d of %d flips were noticed", file, errs, flips)
				}
			}
		})
	}
}

// TestSwaps puts every file in the place of every other.
func TestSwaps(t *testing.T) {
	k, w := newKeyring(t), workload{12}
	img, want := smallStore(t, crypt.SuiteAESGCM, k, w), w.after(smallOps)
	names := img.names()
	if len(names) < 4 {
		t.Fatalf("too few files: %v", names)
	}
	for i, a := range names {
		for _, b := range names[i+1:] {
			swapped := img.with(a, img[b]).with(b, img[a])
			m, err := readStore(t, crypt.NewFS(swapped.fs(t), k))
			if err == nil {
				t.Errorf("%s and %s swapped: no error; %s", a, b, diff(m, want))
			}
		}
	}
}

// TestOtherStoresFiles puts the files of a store with the same contents and names,
// but another keyring, in their place.
func TestOtherStoresFiles(t *testing.T) {
	k, w := newKeyring(t), workload{13}
	img, other := smallStore(t, crypt.SuiteAESGCM, k, w), smallStore(t, crypt.SuiteAESGCM, newKeyring(t), w)
	for _, name := range img.names() {
		if other[name] == nil {
			continue
		}
		_, err := readStore(t, crypt.NewFS(img.with(name, other[name]).fs(t), k))
		if !errors.Is(err, crypt.ErrDamaged) {
			t.Errorf("%s of another store: %v", name, err)
		}
	}
}

// TestTruncation cuts every file at every page or sector, and beside it. A table
// cut anywhere is an error. A log cut short loses what was written last: the store
// is then as it was at an earlier op, or does not open.
func TestTruncation(t *testing.T) {
	k, w := newKeyring(t), workload{14}
	img, had := smallStore(t, crypt.SuiteAESGCM, k, w), w.history()
	for _, name := range img.names() {
		step := crypt.PageSize
		if isLog(name) {
			step = 8 * crypt.SectorSize
		}
		end := contentEnd(img[name])
		for at := 0; at < end; at += step {
			for _, n := range []int{at, at + crypt.HeaderSize, at + crypt.HeaderSize + 1} {
				if n >= end || n == 0 && (isLog(name) || strings.HasPrefix(name, "OPTIONS-")) {
					continue // Pebble takes an empty one
				}
				m, err := readStore(t, crypt.NewFS(img.with(name, img[name][:n]).fs(t), k))
				if err != nil {
					continue
				}
				if !isLog(name) {
					t.Errorf("%s cut to %d of %d bytes: no error", name, n, end)
				}
				for key, v := range m {
					if !had[[2]string{key, v}] {
						t.Fatalf("%s cut to %d bytes: %q has a value that it never had", name, n, key)
					}
				}
			}
		}
	}
}

// history returns every key with every value that it ever has.
func (w workload) history() map[[2]string]bool {
	had := map[[2]string]bool{}
	for n := 1; n <= smallOps; n++ {
		set, _ := w.batch(n)
		for k, v := range set {
			had[[2]string{k, v}] = true
		}
	}
	return had
}

// TestZeroedSectors zeroes one sector of a log at a time. Where frames behind it
// know that it was synced it is an error; at the end it is a torn tail.
func TestZeroedSectors(t *testing.T) {
	k, w := newKeyring(t), workload{15}
	img := smallStore(t, crypt.SuiteAESGCM, k, w)
	for _, name := range img.names() {
		if !isLog(name) {
			continue
		}
		errs, sectors := 0, contentEnd(img[name])/crypt.SectorSize
		for at := 1; at < sectors; at++ {
			b := slices.Clone(img[name])
			copy(b[at*crypt.SectorSize:], make([]byte, crypt.SectorSize))
			m, err := readStore(t, crypt.NewFS(img.with(name, b).fs(t), k))
			if err != nil {
				errs++
				continue
			}
			w.checkPrefix(t, m, 0)
		}
		t.Logf("%s: %d of %d sectors", name, errs, sectors)
		if errs == 0 && sectors > 40 {
			t.Errorf("%s: no zeroed sector of %d was noticed", name, sectors)
		}
	}
}

// TestPageOfAnotherFile puts a page of one generation of a file into another.
func TestPageOfAnotherFile(t *testing.T) {
	k := newKeyring(t)
	img := image{}
	for _, name := range []string{"a", "b"} {
		fs := img.fs(t)
		writeFile(t, crypt.NewFS(fs, k), "store/000001.sst", bytes.Repeat([]byte(name), 3*crypt.PageSize), func() int { return 1 << 20 })
		img[name] = snapshot(t, fs, "store")["000001.sst"]
	}
	mixed := slices.Clone(img["a"])
	copy(mixed[crypt.HeaderSize+crypt.PageSize:], img["b"][crypt.HeaderSize+crypt.PageSize:][:crypt.PageSize])
	fs := crypt.NewFS(image{"000001.sst": mixed}.fs(t), k)
	f, err := fs.Open("store/000001.sst")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	p := make([]byte, 3*crypt.PageSize)
	if n, err := f.ReadAt(p, 0); !errors.Is(err, crypt.ErrDamaged) || n >= crypt.PageSize {
		t.Errorf("read %d bytes, %v", n, err)
	}
}
