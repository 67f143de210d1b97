package crypt_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"filippo.io/age"
	"github.com/google/go-cmp/cmp"

	"settle/storage/crypt"
)

func TestRecipients(t *testing.T) {
	k := newKeyring(t)
	classic, other, pq := newX(t), newX(t), newPQ(t)
	if err := k.AddRecipient(classic.Recipient().String()); err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string]string{
		"post-quantum beside classic": pq.Recipient().String(), "nonsense": "age1nonsense", "empty": "", "ssh": "ssh-ed25519 AAAA",
	} {
		if err := k.AddRecipient(s); !errors.Is(err, crypt.ErrRecipient) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := k.RemoveRecipient(classic.Recipient().String()); !errors.Is(err, crypt.ErrRecipient) {
		t.Errorf("the last one: %v", err)
	}
	if err := k.AddRecipient(other.Recipient().String()); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := crypt.WriteKeyring(t.Context(), dir, k); err != nil {
		t.Fatal(err)
	}
	for _, x := range []*age.X25519Identity{classic, other} {
		if got, err := crypt.ReadKeyring(t.Context(), dir, crypt.IdentityOf(x)); err != nil || got.StoreID() != k.StoreID() {
			t.Error(err)
		}
	}
	if err := k.RemoveRecipient(other.Recipient().String()); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(k.Epochs(), []uint32{1, 2}); d != "" {
		t.Error(d)
	}
	if err := crypt.WriteKeyring(t.Context(), dir, k); err != nil {
		t.Fatal(err)
	}
	if _, err := crypt.ReadKeyring(t.Context(), dir, crypt.IdentityOf(other)); !errors.Is(err, crypt.ErrWrongIdentity) {
		t.Errorf("the removed one: %v", err)
	}
	if err := crypt.WriteKeyring(t.Context(), dir, newKeyring(t)); !errors.Is(err, crypt.ErrRecipient) {
		t.Errorf("without recipients: %v", err)
	}
}

func newX(t *testing.T) *age.X25519Identity {
	x, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func newPQ(t *testing.T) *age.HybridIdentity {
	x, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func TestKeyringForms(t *testing.T) {
	plain, err := crypt.MarshalKeyring(newKeyring(t))
	if err != nil {
		t.Fatal(err)
	}
	good := string(plain)
	for name, tt := range map[string]struct {
		text string
		want error
	}{
		"as written":     {good, nil},
		"newer":          {strings.Replace(good, `"format":1`, `"format":2,"cipher":"x"`, 1), crypt.ErrNewerFormat},
		"no format":      {strings.Replace(good, `"format":1,`, ``, 1), crypt.ErrDamaged},
		"unknown member": {strings.Replace(good, `"format":1`, `"format":1,"x":1`, 1), crypt.ErrDamaged},
		"short store id": {strings.Replace(good, `"store_id":"`, `"store_id":"0`, 1), crypt.ErrDamaged},
		"epoch 0":        {strings.Replace(good, `"epoch":1`, `"epoch":0`, 1), crypt.ErrDamaged},
		"no epochs":      {`{"format":1,"store_id":"00000000000000000000000000000000"}`, crypt.ErrDamaged},
		"short key":      {strings.Replace(good, `"store_key":"`, `"store_key":"AAAA`, 1), crypt.ErrDamaged},
		"no JSON":        {"", crypt.ErrDamaged},
	} {
		k, err := crypt.UnmarshalKeyring([]byte(tt.text))
		if !errors.Is(err, tt.want) || (k == nil) != (tt.want != nil) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestPluginDeadline: a plugin that waits for ever ends in an error that names it.
func TestPluginDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start, block := time.Now(), make(chan struct{})
		err := crypt.WithDeadline(t.Context(), []string{"yubikey"}, func() error { <-block; return nil })
		if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "yubikey") {
			t.Error(err)
		}
		if d := time.Since(start); d != time.Minute {
			t.Errorf("after %v", d)
		}
		close(block)
		if err := crypt.WithDeadline(t.Context(), []string{"yubikey"}, func() error { return io.EOF }); err != io.EOF {
			t.Error(err)
		}
	})
}

func FuzzKeyring(f *testing.F) {
	plain, err := crypt.MarshalKeyring(newKeyring(f))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(plain)
	f.Fuzz(func(t *testing.T, b []byte) {
		k, err := crypt.UnmarshalKeyring(b)
		if err != nil {
			return
		}
		again, err := crypt.MarshalKeyring(k)
		if err != nil {
			t.Fatal(err)
		}
		if k2, err := crypt.UnmarshalKeyring(again); err != nil || k2.StoreID() != k.StoreID() || !cmp.Equal(k2.Epochs(), k.Epochs()) {
			t.Fatal(err)
		}
	})
}
