package kvtest

import (
	"fmt"
	"testing"

	"settle/storage/kv"
)

var durability = map[string]func(*testing.T, *store){
	"Reopen":     reopenKeeps,
	"Lazy":       lazy,
	"RandomOps":  randomOps,
	"CompactAll": compactAll,
}

func reopenKeeps(_ *testing.T, s *store) {
	for i := range 5 {
		s.set(p1, row{fmt.Sprint(i), "kept"}, row{"last", fmt.Sprint(i)})
		s.update(p1, func(tx kv.Tx) error { tx.Delete(fmt.Append(nil, i-2)); return nil })
		s.reopen()
	}
	s.want(p1, row{"3", "kept"}, row{"4", "kept"}, row{"last", "4"})
}

// lazy checks that a lazy commit is seen by all later reads, and kept by a close.
func lazy(t *testing.T, s *store) {
	for i := range 600 {
		p := kv.Partition{1, byte(i % 7)}
		err := s.Update(t.Context(), p, func(tx kv.Tx) error {
			tx.Set([]byte("n"), fmt.Append(nil, i))
			return nil
		}, kv.Lazy)
		if err != nil {
			t.Fatal(err)
		}
		if i%50 == 0 {
			s.want(p, row{"n", fmt.Sprint(i)})
		}
	}
	if s.version(kv.Partition{1, 6}) == 0 {
		t.Error("no version after lazy commits")
	}
	s.reopen()
	for i := range 7 {
		last := 600 - 1
		for last%7 != i {
			last--
		}
		s.want(kv.Partition{1, byte(i)}, row{"n", fmt.Sprint(last)})
	}
}

func compactAll(t *testing.T, s *store) {
	c, ok := s.Store.(kv.Compacter)
	if !ok {
		t.Skip("the engine does not compact on demand")
	}
	s.set(p1, row{"a", "1"}, row{"b", "2"})
	s.set(p2, row{"a", "1"})
	s.update(p1, func(tx kv.Tx) error { tx.Delete([]byte("a")); return nil })
	for _, p := range []kv.Partition{p1, p2, pHigh, {7}} {
		if err := c.Compact(t.Context(), p); err != nil {
			t.Fatalf("Compact: %v", err)
		}
	}
	s.want(p1, row{"b", "2"})
	s.want(p2, row{"a", "1"})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := c.Compact(t.Context(), p1); err == nil {
		t.Error("Compact on a closed store gave no error")
	}
}
