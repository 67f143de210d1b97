package kvtest

import (
	"testing"

	"settle/storage/kv"
)

var writes = map[string]func(*testing.T, *store){
	"WritesInOrder":      writesInOrder,
	"CopiesItsArguments": copiesItsArguments,
	"DeleteRange":        deleteRange,
	"EmptyUpdate":        emptyUpdate,
	"LargeValue":         largeValue,
	"Drop":               drop,
}

func writesInOrder(_ *testing.T, s *store) {
	s.set(p1, row{"a", "0"}, row{"b", "0"}, row{"c", "0"})
	s.update(p1, func(tx kv.Tx) error {
		tx.Set([]byte("a"), []byte("1"))
		tx.Set([]byte("a"), []byte("2"))
		tx.Delete([]byte("b"))
		tx.Set([]byte("b"), []byte("back"))
		tx.Set([]byte("c"), []byte("gone"))
		tx.Delete([]byte("c"))
		tx.Delete([]byte("never there"))
		tx.Set([]byte("d"), []byte("gone"))
		tx.DeleteRange([]byte("d"), []byte("e"))
		tx.DeleteRange([]byte("e"), nil)
		tx.Set([]byte("e"), []byte("after the range"))
		return nil
	})
	s.want(p1, row{"a", "2"}, row{"b", "back"}, row{"e", "after the range"})
}

func copiesItsArguments(_ *testing.T, s *store) {
	k, v := []byte("key"), []byte("value")
	s.update(p1, func(tx kv.Tx) error {
		tx.Set(k, v)
		copy(k, "xxx")
		copy(v, "yyyyy")
		return nil
	})
	s.want(p1, row{"key", "value"})
}

func deleteRange(_ *testing.T, s *store) {
	six := []row{{"", "0"}, {"a", "1"}, {"b", "2"}, {"b\x00", "3"}, {"c", "4"}, {"\xff", "5"}}
	for i, test := range []struct {
		lo, hi []byte
		left   []row
	}{
		{[]byte("a"), []byte("b"), []row{six[0], six[2], six[3], six[4], six[5]}},
		{[]byte("b"), []byte("c"), []row{six[0], six[1], six[4], six[5]}},
		{nil, []byte("b"), six[2:]},
		{[]byte("b"), nil, six[:2]},
		{nil, nil, nil},
		{[]byte("b"), []byte("b"), six},
		{[]byte("c"), []byte("a"), six},
		{nil, []byte{}, six},
		{[]byte("d"), []byte("e"), six},
	} {
		p := kv.Partition{9, byte(i)}
		s.set(p, six...)
		s.update(p, func(tx kv.Tx) error { tx.DeleteRange(test.lo, test.hi); return nil })
		s.want(p, test.left...)
	}
}

func emptyUpdate(t *testing.T, s *store) {
	s.set(p1, row{"a", "1"})
	before := s.version(p1)
	s.update(p1, func(kv.Tx) error { return nil })
	s.update(p2, func(kv.Tx) error { return nil })
	if got := s.version(p1); got != before {
		t.Errorf("version %d after an update without writes, want %d", got, before)
	}
	if got := s.version(p2); got != 0 {
		t.Errorf("version %d of a partition that was never written, want 0", got)
	}
}

func largeValue(_ *testing.T, s *store) {
	v := make([]byte, 9<<20)
	for i := range v {
		v[i] = byte(i * i >> 7)
	}
	big := row{"big", string(v)}
	s.set(p1, row{"a", "1"}, big)
	s.want(p1, row{"a", "1"}, big)
	s.reopen()
	s.want(p1, row{"a", "1"}, big)
}

func drop(t *testing.T, s *store) {
	for _, p := range []kv.Partition{p1, p2, pHigh} {
		s.set(p, row{"", "0"}, row{"a", "1"})
	}
	before := s.version(p1)
	for _, p := range []kv.Partition{p1, pHigh, {3}} {
		if err := s.Drop(t.Context(), p); err != nil {
			t.Fatalf("Drop: %v", err)
		}
		s.want(p)
		if got := s.version(p); got != 0 {
			t.Errorf("version %d after Drop, want 0", got)
		}
	}
	s.want(p2, row{"", "0"}, row{"a", "1"})
	s.reopen()
	s.want(p1)
	s.set(p1, row{"b", "again"})
	s.want(p1, row{"b", "again"})
	if got := s.version(p1); got <= before {
		t.Errorf("version %d of a partition made again, want more than %d", got, before)
	}
}
