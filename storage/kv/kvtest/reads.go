package kvtest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"settle/storage/kv"
)

var reads = map[string]func(*testing.T, *store){
	"GetMulti":         getMulti,
	"GetMultiKeeps":    getMultiKeeps,
	"GetMultiMany":     getMultiMany,
	"Scan":             scanRanges,
	"ScanEmptyStore":   func(_ *testing.T, s *store) { s.want(p1) },
	"ScanStops":        scanStops,
	"ReadsWithinScan":  readsWithinScan,
	"ConsistentView":   consistentView,
	"IsolatedNeigbors": isolatedNeighbours,
	"ReadsAfterCancel": readsAfterCancel,
}

func getMulti(t *testing.T, s *store) {
	s.set(p1, row{"a", "1"}, row{"empty", ""}, row{"", "of the empty key"}, row{"\xff\xff", "high"})
	s.view(p1, func(r kv.Reader) error {
		keys := [][]byte{[]byte("empty"), []byte("none"), []byte("a"), nil, []byte("\xff\xff"), []byte("a")}
		got, err := r.GetMulti(t.Context(), keys...)
		want := [][]byte{{}, nil, []byte("1"), []byte("of the empty key"), []byte("high"), []byte("1")}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("GetMulti (-want +got):\n%s", diff)
		}
		if none, err := r.GetMulti(t.Context()); err != nil || len(none) != 0 {
			t.Errorf("GetMulti() = %v, %v", none, err)
		}
		return err
	})
}

// getMultiMany asks for many keys at once, of which some lie beside each other.
func getMultiMany(t *testing.T, s *store) {
	values := map[string][]byte{}
	for i := range 60 {
		k, v := fmt.Sprintf("%02d", i), strings.Repeat("v", i%5*i)
		if s.set(p1, row{k, v}); i%7 != 3 {
			values[k] = []byte(v)
			continue
		}
		s.update(p1, func(tx kv.Tx) error { tx.Delete([]byte(k)); return nil })
	}
	s.set(p2, row{"00", "of the neighbour"})
	for from := range 61 {
		for _, step := range []int{-2, -1, 0, 1, 2} {
			var keys, want [][]byte
			for i := range 20 {
				k := fmt.Sprintf("%02d", max(0, from+i*step))
				keys, want = append(keys, []byte(k)), append(want, values[k])
			}
			s.view(p1, func(r kv.Reader) error {
				got, err := r.GetMulti(t.Context(), keys...)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("20 keys from %d in steps of %d (-want +got):\n%s", from, step, diff)
				}
				return err
			})
		}
	}
}

func getMultiKeeps(t *testing.T, s *store) {
	s.set(p1, row{"a", "first"}, row{"b", "second"})
	s.view(p1, func(r kv.Reader) error {
		first, err := r.GetMulti(t.Context(), []byte("a"))
		if err != nil {
			return err
		}
		if _, err := r.GetMulti(t.Context(), []byte("b")); err != nil {
			return err
		}
		if _, err := collect(t.Context(), r, kv.Range{}); err != nil {
			return err
		}
		if string(first[0]) != "first" {
			t.Errorf("a value changed to %q before fn returned", first[0])
		}
		return nil
	})
}

func scanRanges(t *testing.T, s *store) {
	s.set(p1, row{"", "0"}, row{"a", "1"}, row{"a\x00", "2"}, row{"b", "3"}, row{"\xff", "4"}, row{"\xff\xff", "5"})
	for name, test := range map[string]struct {
		rg   kv.Range
		want string
	}{
		"all":               {kv.Range{}, "012345"},
		"all reversed":      {kv.Range{Reverse: true}, "543210"},
		"from":              {kv.Range{Lo: []byte("a")}, "12345"},
		"from between":      {kv.Range{Lo: []byte("aa")}, "345"},
		"to excludes":       {kv.Range{Hi: []byte("b")}, "012"},
		"to the empty key":  {kv.Range{Hi: []byte{}}, ""},
		"both":              {kv.Range{Lo: []byte("a"), Hi: []byte("\xff")}, "123"},
		"both reversed":     {kv.Range{Lo: []byte("a"), Hi: []byte("\xff"), Reverse: true}, "321"},
		"empty range":       {kv.Range{Lo: []byte("b"), Hi: []byte("b")}, ""},
		"bounds crossed":    {kv.Range{Lo: []byte("b"), Hi: []byte("a")}, ""},
		"crossed, reversed": {kv.Range{Lo: []byte("b"), Hi: []byte("a"), Reverse: true}, ""},
		"limit":             {kv.Range{Limit: 2}, "01"},
		"limit reversed":    {kv.Range{Limit: 2, Reverse: true}, "54"},
		"limit of all":      {kv.Range{Limit: 6}, "012345"},
		"limit beyond":      {kv.Range{Limit: 7}, "012345"},
		"limit in range":    {kv.Range{Lo: []byte("a"), Hi: []byte("b"), Limit: 1, Reverse: true}, "2"},
	} {
		s.view(p1, func(r kv.Reader) error {
			rows, err := collect(t.Context(), r, test.rg)
			got := ""
			for _, r := range rows {
				got += r.Value
			}
			if got != test.want {
				t.Errorf("%s: rows %q, want %q", name, got, test.want)
			}
			return err
		})
	}
}

func scanStops(t *testing.T, s *store) {
	s.set(p1, row{"a", "1"}, row{"b", "2"}, row{"c", "3"})
	s.view(p1, func(r kv.Reader) error {
		n := 0
		for _, err := range r.Scan(t.Context(), kv.Range{}) {
			if err != nil {
				return err
			}
			if n++; n == 2 {
				break
			}
		}
		rows, err := collect(t.Context(), r, kv.Range{})
		if len(rows) != 3 {
			t.Errorf("%d rows after a scan that was broken off, want 3", len(rows))
		}
		return err
	})
}

func readsWithinScan(t *testing.T, s *store) {
	s.set(p1, row{"a", "b"}, row{"b", "c"}, row{"c", "a"})
	s.view(p1, func(r kv.Reader) error {
		got := ""
		for outer, err := range r.Scan(t.Context(), kv.Range{}) {
			if err != nil {
				return err
			}
			next, err := r.GetMulti(t.Context(), outer.Value)
			if err != nil {
				return err
			}
			inner, err := collect(t.Context(), r, kv.Range{Lo: outer.Key, Limit: 1})
			if err != nil {
				return err
			}
			got += string(outer.Key) + string(next[0]) + inner[0].Value
		}
		if want := "acbbaccba"; got != want {
			t.Errorf("reads within a scan gave %q, want %q", got, want)
		}
		return nil
	})
}

func consistentView(t *testing.T, s *store) {
	s.set(p1, row{"a", "old"}, row{"b", "old"})
	s.view(p1, func(r kv.Reader) error {
		// Writers do not wait for this reader, and it does not see them.
		s.update(p1, func(tx kv.Tx) error {
			tx.Set([]byte("a"), []byte("new"))
			tx.Delete([]byte("b"))
			tx.Set([]byte("c"), []byte("new"))
			return nil
		})
		rows, err := collect(t.Context(), r, kv.Range{})
		if diff := cmp.Diff([]row{{"a", "old"}, {"b", "old"}}, rows); diff != "" {
			t.Errorf("a view changed (-want +got):\n%s", diff)
		}
		if err != nil {
			return err
		}
		vs, err := r.GetMulti(t.Context(), []byte("b"), []byte("c"))
		if string(vs[0]) != "old" || vs[1] != nil {
			t.Errorf("a view changed: %q", vs)
		}
		return err
	})
	s.want(p1, row{"a", "new"}, row{"c", "new"})
}

func isolatedNeighbours(_ *testing.T, s *store) {
	all := []kv.Partition{pZero, p1, p2, pHigh}
	for i, p := range all {
		s.set(p, row{"", "low"}, row{"\xff\xff\xff", string(rune('0' + i))})
	}
	for i, p := range all {
		s.want(p, row{"", "low"}, row{"\xff\xff\xff", string(rune('0' + i))})
	}
	s.update(p1, func(tx kv.Tx) error { tx.DeleteRange(nil, nil); return nil })
	s.update(pHigh, func(tx kv.Tx) error { tx.DeleteRange(nil, nil); return nil })
	s.want(pZero, row{"", "low"}, row{"\xff\xff\xff", "0"})
	s.want(p1)
	s.want(p2, row{"", "low"}, row{"\xff\xff\xff", "2"})
	s.want(pHigh)
}

func readsAfterCancel(t *testing.T, s *store) {
	s.set(p1, row{"a", "1"}, row{"b", "2"})
	ctx, cancel := context.WithCancel(t.Context())
	err := s.View(ctx, p1, func(r kv.Reader) error {
		cancel()
		if _, err := r.GetMulti(ctx, []byte("a")); !errors.Is(err, context.Canceled) {
			t.Errorf("GetMulti: %v, want a cancelled context", err)
		}
		_, err := collect(ctx, r, kv.Range{})
		return err
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Scan: %v, want a cancelled context", err)
	}
	called := false
	err = s.View(ctx, p1, func(kv.Reader) error { called = true; return nil })
	if !errors.Is(err, context.Canceled) || called {
		t.Errorf("View = %v (fn called: %v), want a cancelled context", err, called)
	}
}
