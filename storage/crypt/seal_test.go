package crypt_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"filippo.io/age"
	"github.com/google/go-cmp/cmp"

	"settle/storage/crypt"
)

func newDatabaseKey(t testing.TB, k *crypt.Keyring, id crypt.DatabaseID) (*crypt.DatabaseKey, []byte) {
	t.Helper()
	d, wrapped, err := k.NewDatabaseKey(id)
	if err != nil {
		t.Fatal(err)
	}
	return d, wrapped
}

func TestSealAndOpen(t *testing.T) {
	d, _ := newDatabaseKey(t, newKeyring(t), crypt.DatabaseID{1})
	for _, n := range []int{0, 1, 63, 64, 1000, 1 << 20} {
		text := bytes.Repeat([]byte(`{"a":1}`), n/7+1)[:n]
		sealed := d.Seal(crypt.PurposeBody, text, []byte("doc"), []byte("1-a"))
		if n >= 1000 && len(sealed) > n/2 {
			t.Errorf("%d bytes were not compressed: %d", n, len(sealed))
		}
		if len(sealed) > n+crypt.SealOverhead {
			t.Errorf("%d bytes became %d", n, len(sealed))
		}
		before := bytes.Clone(sealed)
		got, err := d.Open(crypt.PurposeBody, sealed, n, []byte("doc"), []byte("1-a"))
		if err != nil || !bytes.Equal(got, text) {
			t.Errorf("%d bytes: %v", n, err)
		}
		if !bytes.Equal(before, sealed) {
			t.Error("Open changed its argument")
		}
		if n > 0 {
			if _, err := d.Open(crypt.PurposeBody, sealed, n-1, []byte("doc"), []byte("1-a")); !errors.Is(err, crypt.ErrDamaged) {
				t.Errorf("longer than allowed: %v", err)
			}
		}
	}
}

// TestSealIsBound: a value opens only as what it was sealed for.
func TestSealIsBound(t *testing.T) {
	k := newKeyring(t)
	d, _ := newDatabaseKey(t, k, crypt.DatabaseID{1})
	other, _ := newDatabaseKey(t, k, crypt.DatabaseID{2})
	sealed := d.Seal(crypt.PurposeBody, []byte("text"), []byte("ab"), []byte("c"))
	fields := func(ss ...string) (out [][]byte) {
		for _, s := range ss {
			out = append(out, []byte(s))
		}
		return out
	}
	for name, open := range map[string]func() ([]byte, error){
		"other purpose":  func() ([]byte, error) { return d.Open(crypt.PurposeLocal, sealed, 99, fields("ab", "c")...) },
		"shifted fields": func() ([]byte, error) { return d.Open(crypt.PurposeBody, sealed, 99, fields("a", "bc")...) },
		"joined fields":  func() ([]byte, error) { return d.Open(crypt.PurposeBody, sealed, 99, fields("abc")...) },
		"a field more":   func() ([]byte, error) { return d.Open(crypt.PurposeBody, sealed, 99, fields("ab", "c", "")...) },
		"other database": func() ([]byte, error) { return other.Open(crypt.PurposeBody, sealed, 99, fields("ab", "c")...) },
	} {
		if _, err := open(); !errors.Is(err, crypt.ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for i := range sealed {
		changed := bytes.Clone(sealed)
		changed[i] ^= 4
		if _, err := d.Open(crypt.PurposeBody, changed, 99, fields("ab", "c")...); !errors.Is(err, crypt.ErrDamaged) {
			t.Errorf("byte %d changed: %v", i, err)
		}
		if _, err := d.Open(crypt.PurposeBody, sealed[:i], 99, fields("ab", "c")...); !errors.Is(err, crypt.ErrDamaged) {
			t.Errorf("cut to %d: %v", i, err)
		}
	}
	again := d.Seal(crypt.PurposeBody, []byte("text"), fields("ab", "c")...)
	if bytes.Equal(again, sealed) || crypt.Tag(again) == crypt.Tag(sealed) {
		t.Error("two sealings are equal")
	}
}

func TestDatabaseKeyIsBound(t *testing.T) {
	k, id := newKeyring(t), crypt.DatabaseID{7}
	_, wrapped := newDatabaseKey(t, k, id)
	if _, err := k.OpenDatabaseKey(crypt.DatabaseID{8}, wrapped); !errors.Is(err, crypt.ErrDamaged) {
		t.Errorf("other database: %v", err)
	}
	if _, err := newKeyring(t).OpenDatabaseKey(id, wrapped); !errors.Is(err, crypt.ErrDamaged) {
		t.Errorf("other store: %v", err)
	}
	for i := range wrapped {
		changed := bytes.Clone(wrapped)
		changed[i] ^= 1
		if _, err := k.OpenDatabaseKey(id, changed); !errors.Is(err, crypt.ErrDamaged) {
			t.Errorf("byte %d changed: %v", i, err)
		}
	}
	if _, err := k.OpenDatabaseKey(id, append(bytes.Clone(wrapped), wrapped...)); !errors.Is(err, crypt.ErrDamaged) {
		t.Errorf("twice the same: %v", err)
	}
}

// TestRotation: after a rotation old values open, new ones take the new key, and
// the old keyring cannot open the new key.
func TestRotation(t *testing.T) {
	k, id := newKeyring(t), crypt.DatabaseID{7}
	plain, err := crypt.MarshalKeyring(k)
	if err != nil {
		t.Fatal(err)
	}
	before, err := crypt.UnmarshalKeyring(plain)
	if err != nil {
		t.Fatal(err)
	}
	d, wrapped := newDatabaseKey(t, k, id)
	old := d.Seal(crypt.PurposeBody, []byte("old"))
	k.Rotate()
	d, wrapped, err = k.RotateDatabaseKey(id, wrapped)
	if err != nil {
		t.Fatal(err)
	}
	fresh := d.Seal(crypt.PurposeBody, []byte("new"))
	if got := []uint32{crypt.SealedEpoch(old), crypt.SealedEpoch(fresh), d.Epoch()}; !cmp.Equal(got, []uint32{1, 2, 2}) {
		t.Errorf("epochs %v", got)
	}
	k.ForgetBefore(2)
	if d, err = k.OpenDatabaseKey(id, wrapped); err != nil {
		t.Fatal(err)
	}
	for want, sealed := range map[string][]byte{"old": old, "new": fresh} {
		if got, err := d.Open(crypt.PurposeBody, sealed, 99); err != nil || string(got) != want {
			t.Errorf("%q, %v", got, err)
		}
	}
	if _, err := before.OpenDatabaseKey(id, wrapped); !errors.Is(err, crypt.ErrDamaged) {
		t.Errorf("the keyring before the rotation: %v", err)
	}
	if wrapped, err = k.RetireDatabaseKey(id, wrapped); err != nil {
		t.Fatal(err)
	}
	if d, err = k.OpenDatabaseKey(id, wrapped); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Open(crypt.PurposeBody, old, 99); !errors.Is(err, crypt.ErrDamaged) {
		t.Errorf("after the old key was retired: %v", err)
	}
}

func TestBlobChunks(t *testing.T) {
	d, _ := newDatabaseKey(t, newKeyring(t), crypt.DatabaseID{1})
	b := crypt.NewBlobKey()
	wrapped := d.WrapBlobKey(b, []byte("blob"), []byte{9})
	if _, err := d.UnwrapBlobKey(wrapped, []byte("blob"), []byte{8}); !errors.Is(err, crypt.ErrDamaged) {
		t.Errorf("other fields: %v", err)
	}
	again, err := d.UnwrapBlobKey(wrapped, []byte("blob"), []byte{9})
	if err != nil {
		t.Fatal(err)
	}
	text := bytes.Repeat([]byte("x"), crypt.ChunkSize)
	sealed := b.SealChunk(nil, 5, false, text)
	if len(sealed) != crypt.ChunkSize+crypt.ChunkOverhead {
		t.Errorf("%d bytes", len(sealed))
	}
	if got, err := again.OpenChunk(nil, 5, false, sealed); err != nil || !bytes.Equal(got, text) {
		t.Error(err)
	}
	for name, open := range map[string]func() ([]byte, error){
		"other index": func() ([]byte, error) { return b.OpenChunk(nil, 6, false, sealed) },
		"last":        func() ([]byte, error) { return b.OpenChunk(nil, 5, true, sealed) },
		"cut":         func() ([]byte, error) { return b.OpenChunk(nil, 5, false, sealed[:100]) },
		"longer":      func() ([]byte, error) { return b.OpenChunk(nil, 5, false, append(sealed, 0)) },
		"empty":       func() ([]byte, error) { return b.OpenChunk(nil, 5, false, nil) },
		"other key":   func() ([]byte, error) { return crypt.NewBlobKey().OpenChunk(nil, 5, false, sealed) },
	} {
		if _, err := open(); !errors.Is(err, crypt.ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestRedacted: no verb, and no logger, prints a key.
func TestRedacted(t *testing.T) {
	k := newKeyring(t)
	d, _ := newDatabaseKey(t, k, crypt.DatabaseID{1})
	x, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []any{k, *k, d, *d, crypt.NewBlobKey(), *crypt.NewBlobKey(), crypt.IdentityOf(x)} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			if got := fmt.Sprintf(verb, v); got != "[redacted]" {
				t.Errorf("%T with %s: %s", v, verb, got)
			}
		}
		var out strings.Builder
		slog.New(slog.NewJSONHandler(&out, nil)).Info("m", "v", v)
		slog.New(slog.NewTextHandler(&out, nil)).Info("m", "v", v)
		if strings.Count(out.String(), "[redacted]") != 2 {
			t.Errorf("%T is logged as %s", v, out.String())
		}
	}
}
