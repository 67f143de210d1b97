package storage_test

import (
	"bytes"
	"errors"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"settle/storage"
	"settle/storage/couch"
)

func mustSecurity(t *testing.T, db *storage.Database, want string) {
	t.Helper()
	text, err := db.Security(t.Context())
	if err != nil || string(text) != want {
		t.Errorf("%s: the security object is %q, %v; want %q", db.Name(), text, err, want)
	}
	clear(text) // it is the caller's
}

func TestSecurity(t *testing.T) {
	b := newBench(t)
	one, other := b.create("one"), b.create("other")
	mustSecurity(t, one, "")
	for _, text := range []string{`{"a":1}`, `{"b":2}`, `{"long":"` + strings.Repeat("x", 10_000) + `"}`, `{"c":3}`} {
		if err := one.SetSecurity(t.Context(), []byte(text)); err != nil {
			t.Fatal(err)
		}
		mustSecurity(t, one, text)
		mustSecurity(t, one, text)
		mustSecurity(t, other, "")
	}
	if err := b.store.DropDatabase(t.Context(), "one"); err != nil {
		t.Fatal(err)
	}
	if text, err := one.Security(t.Context()); !errors.Is(err, couch.ErrDatabaseMissing) {
		t.Errorf("of a dropped database: %s, %v", text, err)
	}
	mustSecurity(t, b.create("one"), "")
	b.reopen()
}

// Whoever asks after a change was acknowledged sees it, or a later one.
func TestSecurityIsNew(t *testing.T) {
	b := newBench(t)
	db := b.create("db")
	var acknowledged atomic.Int64
	done := make(chan struct{})
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for {
				least := acknowledged.Load()
				text, err := db.Security(t.Context())
				if n, _ := strconv.ParseInt(string(bytes.TrimSpace(text)), 10, 64); err != nil || n < least {
					t.Errorf("%s, %v after %d", text, err, least)
					return
				}
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	for n := range 200 {
		if err := db.SetSecurity(t.Context(), strconv.AppendInt(nil, int64(n+1), 10)); err != nil {
			t.Fatal(err)
		}
		acknowledged.Store(int64(n + 1))
	}
	close(done)
	readers.Wait()
}
