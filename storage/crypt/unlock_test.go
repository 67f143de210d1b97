package crypt_test

import (
	"bytes"
	"errors"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"
	"github.com/google/go-cmp/cmp"

	"settle/storage/crypt"
)

// env returns a Getenv over a map.
func env(m map[string]string) func(string) string { return func(k string) string { return m[k] } }

// place is a machine to unlock on: a home, a data directory, an environment.
type place struct {
	t    *testing.T
	dir  string
	vars map[string]string
	log  bytes.Buffer
}

func newPlace(t *testing.T) *place {
	dir := t.TempDir()
	return &place{t: t, dir: dir, vars: map[string]string{"HOME": filepath.Join(dir, "home")}}
}

func (p *place) data() string { return filepath.Join(p.dir, "data") }
func (p *place) identity() string {
	return filepath.Join(p.dir, "home", ".config", "settle", "identity")
}

func (p *place) options() crypt.UnlockOptions {
	return crypt.UnlockOptions{DataDir: p.data(), Getenv: env(p.vars), Logger: slog.New(slog.NewTextHandler(&p.log, nil))}
}

func (p *place) unlock(change ...func(*crypt.UnlockOptions)) (*crypt.Unlocked, error) {
	o := p.options()
	for _, c := range change {
		c(&o)
	}
	return crypt.Unlock(p.t.Context(), o)
}

func (p *place) mustUnlock(change ...func(*crypt.UnlockOptions)) *crypt.Unlocked {
	p.t.Helper()
	u, err := p.unlock(change...)
	if err != nil {
		p.t.Fatal(err)
	}
	return u
}

// files returns everything below the place, with contents.
func (p *place) files() map[string]string {
	out := map[string]string{}
	filepath.WalkDir(p.dir, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			p.t.Fatal(err)
		}
		b, _ := os.ReadFile(path)
		out[path] = string(b)
		return nil
	})
	return out
}

func write(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

func accept(o *crypt.UnlockOptions)   { o.AcceptKeyring = true }
func readOnly(o *crypt.UnlockOptions) { o.ReadOnly = true }

func TestUnlockMakesBothAndOpens(t *testing.T) {
	p := newPlace(t)
	write(t, filepath.Join(p.data(), "LOCK"), "", 0o600)
	write(t, filepath.Join(p.data(), crypt.KeyringFile+".tmp"), "half", 0o600)
	if err := os.Chmod(p.data(), 0o755); err != nil {
		t.Fatal(err)
	}
	first := p.mustUnlock()
	if !first.CreatedIdentity || !first.CreatedStore || first.IdentityPath != p.identity() {
		t.Errorf("%+v", first)
	}
	pin := filepath.Join(filepath.Dir(p.identity()), first.Keyring.StoreID().String()+".pin")
	for path, want := range map[string]os.FileMode{
		p.identity(): 0o600, filepath.Dir(p.identity()): 0o700, p.data(): 0o700,
		filepath.Join(p.data(), crypt.KeyringFile): 0o600, pin: 0o600,
	} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != want {
			t.Errorf("%s has mode %o, want %o", path, info.Mode().Perm(), want)
		}
	}
	before := p.files()
	second := p.mustUnlock()
	if second.CreatedIdentity || second.CreatedStore || second.Keyring.StoreID() != first.Keyring.StoreID() {
		t.Errorf("%+v", second)
	}
	if d := cmp.Diff(before, p.files()); d != "" {
		t.Error("opening wrote something")
	}
	d, wrapped := newDatabaseKey(t, first.Keyring, crypt.DatabaseID{1})
	again, err := second.Keyring.OpenDatabaseKey(crypt.DatabaseID{1}, wrapped)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := again.Open(crypt.PurposeBody, d.Seal(crypt.PurposeBody, []byte("x")), 9); err != nil || string(b) != "x" {
		t.Error(b, err)
	}
}

func TestUnlockUsesAnIdentityThatIsThere(t *testing.T) {
	pq, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	x, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"classic": x.String(), "post-quantum": "# mine\n\n" + pq.String() + "\n"} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			write(t, p.identity(), text, 0o600)
			if u := p.mustUnlock(); u.CreatedIdentity || !u.CreatedStore {
				t.Errorf("%+v", u)
			}
			p.mustUnlock()
		})
	}
}

// TestUnlockRefuses: each is an error, names the identity file where that is what
// is wrong, and changes nothing.
func TestUnlockRefuses(t *testing.T) {
	other, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	made := func(p *place) { p.mustUnlock() }
	tests := map[string]struct {
		prepare func(p *place)
		change  func(*crypt.UnlockOptions)
		want    error
		names   bool // the error names the identity file
	}{
		"store, no identity": {func(p *place) { made(p); os.Remove(p.identity()) }, nil, crypt.ErrNoIdentity, true},
		"store, other identity": {func(p *place) { made(p); write(p.t, p.identity(), other.String(), 0o600) },
			nil, crypt.ErrWrongIdentity, true},
		"identity is no identity": {func(p *place) { write(p.t, p.identity(), "AGE-SECRET-KEY-1QQQ", 0o600) }, nil, crypt.ErrBadIdentity, true},
		"empty identity":          {func(p *place) { write(p.t, p.identity(), "", 0o600) }, nil, crypt.ErrBadIdentity, true},
		"identity open to others": {func(p *place) { made(p); os.Chmod(p.identity(), 0o640) }, nil, crypt.ErrBadIdentity, true},
		"passphrase, nobody to ask": {func(p *place) { write(p.t, p.identity(), "age-encryption.org/v1\n-> scrypt", 0o600) },
			nil, crypt.ErrBadIdentity, true},
		"something, but no keyring": {func(p *place) { write(p.t, filepath.Join(p.data(), "notes.txt"), "x", 0o600) },
			nil, crypt.ErrNoKeyring, false},
		"read-only, no store":     {func(*place) {}, readOnly, crypt.ErrNoStore, false},
		"no identity may be made": {func(*place) {}, func(o *crypt.UnlockOptions) { o.NeedIdentity = true }, crypt.ErrNoIdentity, true},
		"keyring damaged": {func(p *place) { made(p); flip(p.t, filepath.Join(p.data(), crypt.KeyringFile), -3) },
			nil, crypt.ErrDamaged, false},
		"identity in the data": {func(*place) {}, func(o *crypt.UnlockOptions) { o.Identity = filepath.Join(o.DataDir, "sub", "id") },
			crypt.ErrBadIdentity, false},
		"identity in the data by a link": {func(p *place) {
			os.MkdirAll(p.data(), 0o700)
			os.Symlink(p.data(), filepath.Join(p.dir, "link"))
		}, func(o *crypt.UnlockOptions) { o.Identity = filepath.Join(filepath.Dir(o.DataDir), "link", "id") }, crypt.ErrBadIdentity, false},
		"store id of another":    {func(p *place) { made(p); p.vars["SETTLE_STORE_ID"] = strings.Repeat("0", 32) }, accept, crypt.ErrPinned, false},
		"store id, but no store": {func(p *place) { p.vars["SETTLE_STORE_ID"] = strings.Repeat("0", 32) }, nil, crypt.ErrNoStore, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			tt.prepare(p)
			before := p.files()
			if tt.change == nil {
				tt.change = func(*crypt.UnlockOptions) {}
			}
			_, err := p.unlock(tt.change)
			if !errors.Is(err, tt.want) {
				t.Fatalf("got %v, want %v", err, tt.want)
			}
			if tt.names && !strings.Contains(err.Error(), p.identity()) {
				t.Errorf("%q does not name %s", err, p.identity())
			}
			if strings.Contains(err.Error(), "SECRET") {
				t.Errorf("%q holds a secret", err)
			}
			if d := cmp.Diff(before, p.files()); d != "" {
				t.Error("something was written: ", d)
			}
		})
	}
}

func flip(t *testing.T, path string, at int) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)+at] ^= 1
	write(t, path, string(b), 0o600)
}

// TestKeyringFlips: whichever bit of the keyring is another, it does not open, and
// nothing is written.
func TestKeyringFlips(t *testing.T) {
	p := newPlace(t)
	p.mustUnlock()
	path := filepath.Join(p.data(), crypt.KeyringFile)
	sound, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for bit := 0; bit < 8*len(sound); bit += 5 {
		forged := bytes.Clone(sound)
		forged[bit/8] ^= 1 << (bit % 8)
		write(t, path, string(forged), 0o600)
		before := p.files()
		if _, err := p.unlock(accept); err == nil {
			t.Errorf("bit %d of %d: it opens", bit, 8*len(sound))
		}
		if d := cmp.Diff(before, p.files()); d != "" {
			t.Fatalf("bit %d: something was written: %s", bit, d)
		}
	}
	write(t, path, string(sound), 0o600)
	p.mustUnlock()
}

func TestIdentityOpenToOthersElsewhere(t *testing.T) {
	p := newPlace(t)
	x, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	p.vars["CREDENTIALS_DIRECTORY"] = filepath.Join(p.dir, "credentials")
	path := filepath.Join(p.dir, "credentials", "settle.identity")
	write(t, path, x.String(), 0o644)
	if u := p.mustUnlock(); u.IdentityPath != path || !strings.Contains(p.log.String(), "open to other users") {
		t.Errorf("%s, log %s", u.IdentityPath, p.log.String())
	}
}

func TestPassphrase(t *testing.T) {
	p := newPlace(t)
	x, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	scrypt, err := age.NewScryptRecipient("correct horse")
	if err != nil {
		t.Fatal(err)
	}
	scrypt.SetWorkFactor(10)
	var sealed bytes.Buffer
	w, err := age.Encrypt(&sealed, scrypt)
	if err != nil {
		t.Fatal(err)
	}
	w.Write([]byte(x.String()))
	w.Close()
	write(t, p.identity(), sealed.String(), 0o600)
	with := func(pass string) func(*crypt.UnlockOptions) {
		return func(o *crypt.UnlockOptions) { o.Passphrase = func() (string, error) { return pass, nil } }
	}
	if _, err := p.unlock(with("wrong")); !errors.Is(err, crypt.ErrBadIdentity) || strings.Contains(err.Error(), "wrong") {
		t.Error(err)
	}
	p.mustUnlock(with("correct horse"))
}

// TestPins: a keyring of another store, or of an older epoch, is refused.
func TestPins(t *testing.T) {
	p := newPlace(t)
	u := p.mustUnlock()
	keyring := filepath.Join(p.data(), crypt.KeyringFile)
	old, err := os.ReadFile(keyring)
	if err != nil {
		t.Fatal(err)
	}
	u.Keyring.Rotate()
	if err := crypt.WriteKeyring(t.Context(), p.data(), u.Keyring); err != nil {
		t.Fatal(err)
	}
	before := p.files()
	p.mustUnlock(readOnly)
	if !cmp.Equal(before, p.files()) {
		t.Error("reading only wrote a pin")
	}
	p.mustUnlock()
	write(t, keyring, string(old), 0o600)
	if _, err := p.unlock(); !errors.Is(err, crypt.ErrPinned) {
		t.Errorf("older epoch: %v", err)
	}
	p.mustUnlock(accept)
	p.mustUnlock()

	forged, err := crypt.NewKeyring(u.Keyring.Recipients()...)
	if err != nil {
		t.Fatal(err)
	}
	if err := crypt.WriteKeyring(t.Context(), p.data(), forged); err != nil {
		t.Fatal(err)
	}
	if _, err := p.unlock(); !errors.Is(err, crypt.ErrPinned) {
		t.Errorf("other store: %v", err)
	}
	p.mustUnlock(accept)
	p.mustUnlock()
}

func TestIdentityPath(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "settle.identity"), "x", 0o600)
	home := map[string]string{"HOME": "/home/u"}
	with := func(kv ...string) map[string]string {
		m := maps.Clone(home)
		for i := 0; i < len(kv); i += 2 {
			m[kv[i]] = kv[i+1]
		}
		return m
	}
	for name, tt := range map[string]struct {
		flag string
		vars map[string]string
		want string // empty: an error
	}{
		"flag":                   {"/x/id", with("CREDENTIALS_DIRECTORY", dir), "/x/id"},
		"credentials":            {"", with("CREDENTIALS_DIRECTORY", dir), filepath.Join(dir, "settle.identity")},
		"credentials without it": {"", with("CREDENTIALS_DIRECTORY", "/nowhere"), "/home/u/.config/settle/identity"},
		"xdg":                    {"", with("XDG_CONFIG_HOME", "/cfg"), "/cfg/settle/identity"},
		"home":                   {"", home, "/home/u/.config/settle/identity"},
		"nothing":                {"", nil, ""},
		"relative":               {"", with("XDG_CONFIG_HOME", "cfg"), ""},
	} {
		got, err := crypt.IdentityPath(tt.flag, env(tt.vars))
		if got != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}
