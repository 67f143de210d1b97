package kv_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"settle/storage/kv"
)

// TestCompactLeavesNoTrace looks for deleted rows in every file there is.
func TestCompactLeavesNoTrace(t *testing.T) {
	p := kv.Partition{5}
	secret := []byte("a value that must be gone")
	set := func(n int) func(kv.Tx) error {
		return func(tx kv.Tx) error {
			for i := range n {
				tx.Set(fmt.Appendf(nil, "%04d", i), append(secret, byte(i)))
			}
			return nil
		}
	}
	for name, remove := range map[string]func(t *testing.T, s *kv.Pebble){
		"deleted": func(t *testing.T, s *kv.Pebble) {
			update(t, s, p, func(tx kv.Tx) error {
				for i := range 500 {
					tx.Delete(fmt.Appendf(nil, "%04d", i))
				}
				return nil
			})
		},
		"range deleted": func(t *testing.T, s *kv.Pebble) {
			update(t, s, p, func(tx kv.Tx) error { tx.DeleteRange(nil, nil); return nil })
		},
		"replaced": func(t *testing.T, s *kv.Pebble) {
			update(t, s, p, func(tx kv.Tx) error {
				for i := range 500 {
					tx.Set(fmt.Appendf(nil, "%04d", i), nil)
				}
				return nil
			})
		},
		"dropped": func(t *testing.T, s *kv.Pebble) {
			if err := s.Drop(t.Context(), p); err != nil {
				t.Fatal(err)
			}
		},
	} {
		for _, settled := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/settled=%v", name, settled), func(t *testing.T) {
				dir := t.TempDir()
				s := open(t, kv.PebbleOptions{Dir: dir})
				defer s.Close()
				// Neighbours share the tables, and have to be rewritten with them.
				for i := range 50 {
					update(t, s, kv.Partition{4}, set(i))
					update(t, s, kv.Partition{6}, func(tx kv.Tx) error { tx.Set(fmt.Append(nil, i), []byte("other")); return nil })
				}
				update(t, s, kv.Partition{4}, func(tx kv.Tx) error { tx.DeleteRange(nil, nil); return nil })
				update(t, s, p, set(500))
				if settled { // the rows lie in the last level already
					for _, p := range []kv.Partition{{4}, p} {
						if err := s.Compact(t.Context(), p); err != nil {
							t.Fatal(err)
						}
					}
				}
				if n := filesWith(t, dir, secret); n == 0 {
					t.Fatal("the rows are in no file to begin with")
				}
				remove(t, s)
				for _, p := range []kv.Partition{{4}, p} {
					if err := s.Compact(t.Context(), p); err != nil {
						t.Fatal(err)
					}
				}
				if n := filesWith(t, dir, secret); n != 0 {
					t.Errorf("deleted rows are in %d files after Compact", n)
				}
				if n := countRows(t, s, kv.Partition{6}); n != 50 {
					t.Errorf("%d rows in a neighbour, want 50", n)
				}
			})
		}
	}
}

func update(t testing.TB, s *kv.Pebble, p kv.Partition, fn func(kv.Tx) error) {
	t.Helper()
	if err := s.Update(t.Context(), p, fn); err != nil {
		t.Fatalf("Update: %v", err)
	}
}

// filesWith counts the files that contain text.
func filesWith(t *testing.T, dir string, text []byte) (n int) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		if bytes.Contains(b, text) {
			n++
		}
	}
	return n
}

// TestCompactWaitsForReaders: a view from before pins the files with the row.
func TestCompactWaitsForReaders(t *testing.T) {
	dir := t.TempDir()
	s := open(t, kv.PebbleOptions{Dir: dir})
	defer s.Close()
	p := kv.Partition{5}
	update(t, s, p, func(tx kv.Tx) error { tx.Set([]byte("k"), []byte("pinned row")); return nil })
	if err := s.Compact(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	err := s.View(t.Context(), p, func(r kv.Reader) error {
		if err := s.Drop(t.Context(), p); err != nil {
			return err
		}
		short, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if err := s.Compact(short, p); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Compact beside a view: %v, want an expired context", err)
		}
		go func() { done <- s.Compact(t.Context(), p) }()
		vs, err := r.GetMulti(t.Context(), []byte("k"))
		if string(vs[0]) != "pinned row" {
			t.Errorf("the view reads %q", vs[0])
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if n := filesWith(t, dir, []byte("pinned row")); n != 0 {
		t.Errorf("the row is in %d files", n)
	}
}
