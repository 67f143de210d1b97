package kvtest

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"settle/storage/kv"
)

// model is what a store should hold.
type model map[kv.Partition]map[string]string

var modelPartitions = []kv.Partition{pZero, p1, p2, {1}, pHigh}

// randomOps does the same to the store and to a map, and compares them.
func randomOps(t *testing.T, s *store) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	m := model{}
	for range 400 {
		p := modelPartitions[rng.IntN(len(modelPartitions))]
		switch n := rng.IntN(100); {
		case n < 60:
			m.update(rng, s, p)
		case n < 63:
			if err := s.Drop(t.Context(), p); err != nil {
				t.Fatal(err)
			}
			delete(m, p)
		case n < 65:
			s.reopen()
		case n < 67:
			if c, ok := s.Store.(kv.Compacter); ok {
				if err := c.Compact(t.Context(), p); err != nil {
					t.Fatal(err)
				}
			}
		default:
			m.compare(rng, s, p)
		}
		if t.Failed() {
			return
		}
	}
}

func randomKey(rng *rand.Rand) []byte {
	k := make([]byte, rng.IntN(3))
	for i := range k {
		k[i] = "\x00ab\xff"[rng.IntN(4)]
	}
	return k
}

// randomBound is a key, or nil, which is open.
func randomBound(rng *rand.Rand) []byte {
	if rng.IntN(4) == 0 {
		return nil
	}
	return randomKey(rng)
}

func in(k string, lo, hi []byte) bool {
	return k >= string(lo) && (hi == nil || k < string(hi))
}

func (m model) update(rng *rand.Rand, s *store, p kv.Partition) {
	rows := maps.Clone(m[p])
	if rows == nil {
		rows = map[string]string{}
	}
	var opts []kv.UpdateOption
	if rng.IntN(4) == 0 {
		opts = append(opts, kv.Lazy)
	}
	err := s.Update(s.t.Context(), p, func(tx kv.Tx) error {
		for range rng.IntN(6) {
			switch k := randomKey(rng); rng.IntN(6) {
			case 0:
				tx.Delete(k)
				delete(rows, string(k))
			case 1:
				lo, hi := randomBound(rng), randomBound(rng)
				tx.DeleteRange(lo, hi)
				maps.DeleteFunc(rows, func(k, _ string) bool { return in(k, lo, hi) })
			default:
				v := fmt.Append(nil, rng.IntN(1000))
				tx.Set(k, v)
				rows[string(k)] = string(v)
			}
		}
		if rng.IntN(10) == 0 {
			return errOfFn
		}
		return nil
	}, opts...)
	switch err {
	case nil:
		m[p] = rows
	case errOfFn:
	default:
		s.t.Fatalf("Update: %v", err)
	}
}

// scan gives the rows that a range selects.
func (m model) scan(p kv.Partition, rg kv.Range) []row {
	var rows []row
	for _, k := range slices.Sorted(maps.Keys(m[p])) {
		if in(k, rg.Lo, rg.Hi) {
			rows = append(rows, row{k, m[p][k]})
		}
	}
	if rg.Reverse {
		slices.Reverse(rows)
	}
	if rg.Limit > 0 && len(rows) > rg.Limit {
		rows = rows[:rg.Limit]
	}
	return rows
}

func (m model) compare(rng *rand.Rand, s *store, p kv.Partition) {
	ctx := s.t.Context()
	s.view(p, func(r kv.Reader) error {
		rg := kv.Range{Lo: randomBound(rng), Hi: randomBound(rng), Reverse: rng.IntN(2) == 0, Limit: rng.IntN(4)}
		got, err := collect(ctx, r, rg)
		if err != nil {
			return err
		}
		if diff := cmp.Diff(m.scan(p, rg), got); diff != "" {
			s.t.Errorf("scan of %x, %+v (-want +got):\n%s", p, rg, diff)
		}
		k := randomKey(rng)
		vs, err := r.GetMulti(ctx, k)
		if err != nil {
			return err
		}
		if want, ok := m[p][string(k)]; ok != (vs[0] != nil) || want != string(vs[0]) {
			s.t.Errorf("get of %x, %x: %q, want %q (%v)", p, k, vs[0], want, ok)
		}
		return nil
	})
	var want []kv.Partition
	for _, p := range modelPartitions {
		if len(m[p]) > 0 && p != pZero {
			want = append(want, p)
		}
	}
	got, err := s.Partitions(ctx, pZero, 100)
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		s.t.Errorf("partitions: error %v (-want +got):\n%s", err, diff)
	}
}
