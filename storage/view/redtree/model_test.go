package redtree_test

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"settle/storage/kv"
	"settle/storage/view/redtree"
	"settle/storage/view/reduction"
)

var partition = kv.Partition{7}

// bench is a tree and the rows that it should hold.
type bench struct {
	t    testing.TB
	kv   *kv.Pebble
	tree redtree.Tree
	root redtree.Root
	rows map[string]int
}

// joiner is a reduction that shows order, and what is missing or there twice.
type joiner struct{}

func (joiner) Reduce(_ context.Context, rows []reduction.Row) ([]byte, error) {
	var out []byte
	for _, row := range rows {
		out = append(append(out, row.Key...), '=')
		out = append(append(out, row.Value...), ',')
	}
	return out, nil
}

func (joiner) Combine(_ context.Context, states [][]byte) ([]byte, error) {
	return bytes.Join(states, nil), nil
}

func (joiner) Finish(_ context.Context, state []byte) (reduction.Result, error) {
	return reduction.Result{Value: state}, nil
}

func newBench(t testing.TB, reducers ...reduction.Reducer) *bench {
	t.Helper()
	s, err := kv.OpenPebble(kv.PebbleOptions{FS: vfs.NewMem(), Dir: "data", ReserveBytes: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return &bench{t: t, kv: s, rows: make(map[string]int), tree: redtree.Tree{
		Prefix: []byte("v"), Seed: redtree.Seed{1, 2, 3}, Reducers: reducers,
		Row: func(key, value []byte) (reduction.Row, error) { return reduction.Row{Key: key, Value: value}, nil },
	}}
}

func (b *bench) view(ctx context.Context, fn func(kv.Reader) error) error {
	return b.kv.View(ctx, partition, fn)
}

func (b *bench) state() redtree.State { return redtree.State{View: b.view, Root: b.root} }

func (b *bench) write(writes []redtree.Write) error {
	return b.kv.Update(context.Background(), partition, func(tx kv.Tx) error {
		for _, w := range writes {
			if w.Value == nil {
				tx.Delete(w.Key)
			} else {
				tx.Set(w.Key, w.Value)
			}
		}
		return nil
	}, kv.Lazy)
}

func (b *bench) update(changes map[string]int) {
	b.t.Helper()
	var list []redtree.Change
	for k, v := range changes {
		c := redtree.Change{Key: []byte(k)}
		if v >= 0 {
			c.Value = strconv.AppendInt(nil, int64(v), 10)
			b.rows[k] = v
		} else {
			delete(b.rows, k)
		}
		list = append(list, c)
	}
	slices.SortFunc(list, func(x, y redtree.Change) int { return bytes.Compare(x.Key, y.Key) })
	root, writes, err := b.tree.Update(context.Background(), b.state(), list)
	if err == nil {
		err = b.write(writes)
	}
	if err != nil {
		b.t.Fatal(err)
	}
	b.root = root
}

func (b *bench) keys() []string {
	keys := make([]string, 0, len(b.rows))
	for k := range b.rows {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// check compares a range with what is counted and joined by hand.
func (b *bench) check(lo, hi []byte) {
	b.t.Helper()
	var want []byte
	var n int64
	for _, k := range b.keys() {
		if k >= string(lo) && (hi == nil || k < string(hi)) {
			n++
			want = fmt.Appendf(want, "%s=%d,", k, b.rows[k])
		}
	}
	ctx := context.Background()
	for which := range b.tree.Reducers {
		rows, state, err := b.tree.Reduce(ctx, b.state(), redtree.Span{Lo: lo, Hi: hi, Long: n%2 == 0}, which)
		if err != nil {
			b.t.Fatal(err)
		}
		if which > 0 && n > 0 {
			want = strconv.AppendInt(nil, n, 10)
		}
		if rows != n || n > 0 && !bytes.Equal(state, want) {
			b.t.Fatalf("[%q, %q) of %d rows, height %d: %d rows, want %d", lo, hi, len(b.rows), b.root.Height, rows, n)
		}
	}
	counted, err := b.tree.Count(ctx, b.state(), redtree.Span{Lo: lo, Hi: hi})
	if err != nil || counted != n {
		b.t.Fatalf("[%q, %q): counted %d, want %d; %v", lo, hi, counted, n, err)
	}
}

func (b *bench) checkSelect(n int) {
	b.t.Helper()
	keys := b.keys()
	key, ok, err := b.tree.Select(context.Background(), b.state(), int64(n))
	if err != nil || ok != (n < len(keys)) || ok && string(key) != keys[n] {
		b.t.Fatalf("select %d of %d: %q, %v, %v", n, len(keys), key, ok, err)
	}
}

// checkShape rebuilds the tree: the one that was kept must be the same, row by row.
func (b *bench) checkShape() {
	b.t.Helper()
	ctx := context.Background()
	kept := b.dump()
	s := b.tree.Summaries()
	err := b.kv.Update(ctx, partition, func(tx kv.Tx) error { tx.DeleteRange(s.Lo, s.Hi); return nil })
	if err != nil {
		b.t.Fatal(err)
	}
	root, err := b.tree.Build(ctx, b.view, b.write)
	if err != nil {
		b.t.Fatal(err)
	}
	if got, want := string(root.Append(nil)), string(b.root.Append(nil)); got != want || root.Height != b.root.Height {
		b.t.Fatalf("the root of %d rows differs from a new one: height %d, new %d; rows %d, new %d", len(b.rows), b.root.Height, root.Height, b.root.Rows, root.Rows)
	}
	if built := b.dump(); kept != built {
		b.t.Fatalf("the tree of %d rows differs from a new one", len(b.rows))
	}
}

func (b *bench) dump() string {
	var out []byte
	for row, err := range kv.Pages(context.Background(), b.view, kv.Range{}) {
		if err != nil {
			b.t.Fatal(err)
		}
		out = fmt.Appendf(out, "%q %q\n", row.Key, row.Value)
	}
	return string(out)
}

func TestRandomEdits(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	count, err := reduction.Builtin("_count")
	if err != nil {
		t.Fatal(err)
	}
	b := newBench(t, joiner{}, count)
	b.tree.Seed = redtree.Seed{byte(seed), byte(seed >> 8)}
	b.check(nil, nil)
	const space = 12_000
	key := func() []byte { return []byte(fmt.Sprintf("k%05d", rng.IntN(space))) }
	for round := range 40 {
		changes := map[string]int{}
		for range 1 + rng.IntN(1+1<<rng.IntN(10)) {
			k := string(key())
			if _, there := b.rows[k]; there && rng.IntN(3) == 0 {
				changes[k] = -1
			} else {
				changes[k] = rng.IntN(1000)
			}
		}
		if round%20 == 19 { // nearly all of it goes
			for k := range b.rows {
				if rng.IntN(50) > 0 {
					changes[k] = -1
				}
			}
		}
		b.update(changes)
		b.check(nil, nil)
		for range 8 {
			bounds := [][]byte{key(), key()}
			slices.SortFunc(bounds, bytes.Compare)
			b.check(bounds[0], bounds[1])
			b.check(nil, bounds[1])
			b.check(bounds[0], nil)
			b.checkSelect(rng.IntN(len(b.rows) + 2))
		}
		if round%5 == 0 {
			b.checkShape()
		}
	}
	all := map[string]int{}
	for k := range b.rows {
		all[k] = -1
	}
	b.update(all)
	if b.root.Rows != 0 || b.root.Height != 0 || b.dump() != "" {
		t.Errorf("an empty tree has a root %+v and rows", b.root)
	}
}

// A tree of three levels, edited at its boundaries: those rows whose summaries are
// on the uppermost levels.
func TestBoundaries(t *testing.T) {
	b := newBench(t, joiner{})
	changes := map[string]int{}
	for i := range 30_000 {
		changes[fmt.Sprintf("%06d", i)] = i % 7
	}
	b.update(changes)
	if b.root.Height < 2 {
		t.Fatalf("height %d", b.root.Height)
	}
	type boundary struct {
		key   string
		level byte
	}
	var tops []boundary
	for row, err := range kv.Pages(context.Background(), b.view, b.tree.Summaries()) {
		if err != nil {
			t.Fatal(err)
		}
		if len(row.Key) > 2 && row.Key[1] > 1 {
			tops = append(tops, boundary{string(row.Key[2:]), row.Key[1]})
		}
	}
	slices.SortFunc(tops, func(x, y boundary) int { return cmp.Compare(y.level, x.level) })
	for _, top := range tops {
		k := []byte(top.key)
		for _, change := range []int{-1, 5} {
			b.update(map[string]int{top.key: change})
			b.check(k, nil)
			b.check(nil, k)
			b.check(nil, kv.KeyAfter(k))
		}
	}
	b.checkShape()
}

func FuzzSummary(f *testing.F) {
	f.Add(redtree.Summary{Rows: 5, States: [][]byte{[]byte("1"), nil}}.Append(nil))
	f.Add([]byte{1, 0, 0xff, 0xff, 0xff, 0xff, 0x0f})
	f.Fuzz(func(t *testing.T, data []byte) {
		s, rest, err := redtree.CutSummary(data)
		if err != nil {
			return
		}
		again, none, err := redtree.CutSummary(s.Append(nil))
		if err != nil || len(none) != 0 || again.Rows != s.Rows || len(again.States) != len(s.States) || len(rest) > len(data) {
			t.Fatalf("%x: %+v, then %+v, %v", data, s, again, err)
		}
	})
}
