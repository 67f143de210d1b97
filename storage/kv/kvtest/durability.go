package kvtest

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"settle/storage/kv"
)

var durability = map[string]func(*testing.T, *store){
	"Reopen":     reopenKeeps,
	"Lazy":       lazy,
	"Bulk":       bulk,
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

// bulk mixes large commits of rows with small ones, over the same keys.
func bulk(t *testing.T, s *store) {
	rng := rand.New(rand.NewPCG(7, 7))
	m := model{}
	for i := range 24 {
		p := []kv.Partition{p1, p2}[i%2]
		if m[p] == nil {
			m[p] = map[string]string{}
		}
		opts := []kv.UpdateOption{kv.Bulk, kv.Lazy}[:1+rng.IntN(2)]
		err := s.Update(t.Context(), p, func(tx kv.Tx) error {
			for n := range 40 * (1 - i%3) * (1 - i%3) { // many, none, and many
				k, v := fmt.Sprint(rng.IntN(50)), strings.Repeat(fmt.Sprint(n%10), 64<<10)
				tx.Set([]byte(k), []byte(v))
				m[p][k] = v
			}
			if i%3 != 0 {
				k, gone := fmt.Sprint(rng.IntN(50)), fmt.Sprint(50+rng.IntN(50))
				tx.Set([]byte(k), []byte("small"))
				tx.Delete([]byte(gone))
				m[p][k] = "small"
				delete(m[p], gone)
			}
			return nil
		}, opts...)
		if err != nil {
			t.Fatal(err)
		}
		if i%7 == 6 {
			s.reopen()
		}
		m.compare(rng, s, p)
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
