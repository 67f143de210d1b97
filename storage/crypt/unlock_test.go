package crypt_test

import (
	"os"
	"path/filepath"
	"testing"

	"settle/storage/crypt"
)

// env returns a Getenv over a map.
func env(m map[string]string) func(string) string { return func(k string) string { return m[k] } }

func TestUnlockMakesBothAndOpens(t *testing.T) {
	dir := t.TempDir()
	o := crypt.UnlockOptions{DataDir: filepath.Join(dir, "data"), Getenv: env(map[string]string{"HOME": filepath.Join(dir, "home")})}
	first, err := crypt.Unlock(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if !first.CreatedIdentity || !first.CreatedStore {
		t.Errorf("created identity %v, store %v", first.CreatedIdentity, first.CreatedStore)
	}
	if want := filepath.Join(dir, "home", ".config", "settle", "identity"); first.IdentityPath != want {
		t.Errorf("identity at %s, want %s", first.IdentityPath, want)
	}
	second, err := crypt.Unlock(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if second.CreatedIdentity || second.CreatedStore || second.Keyring.StoreID() != first.Keyring.StoreID() {
		t.Error("the second call made something, or opened another store")
	}
	for path, want := range map[string]os.FileMode{
		first.IdentityPath: 0o600, filepath.Dir(first.IdentityPath): 0o700,
		o.DataDir: 0o700, filepath.Join(o.DataDir, crypt.KeyringFile): 0o600,
	} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != want {
			t.Errorf("%s has mode %o, want %o", path, info.Mode().Perm(), want)
		}
	}
}
