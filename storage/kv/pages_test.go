package kv_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"settle/storage/kv"
)

// pagesStore returns a store with n rows in a partition, whose keys are 0, 2, 4 …
// and whose values have size bytes, and a view of the partition that counts its runs.
func pagesStore(t *testing.T, n, size int) (view func(context.Context, func(kv.Reader) error) error, runs *int) {
	t.Helper()
	s := open(t, kv.PebbleOptions{FS: vfs.NewMem(), Dir: "data"})
	t.Cleanup(func() { s.Close() })
	p := kv.Partition{1}
	err := s.Update(context.Background(), p, func(tx kv.Tx) error {
		for i := range n {
			tx.Set(pageKey(2*i), bytes.Repeat([]byte{byte(i)}, size))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	runs = new(int)
	return func(ctx context.Context, fn func(kv.Reader) error) error {
		*runs++
		return s.View(ctx, p, fn)
	}, runs
}

func pageKey(n int) []byte { return binary.BigEndian.AppendUint32(nil, uint32(n)) }

func TestPages(t *testing.T) {
	const rows = 2*kv.PageRows + 1
	view, runs := pagesStore(t, rows, 1)
	all := make([]int, rows)
	for i := range all {
		all[i] = 2 * i
	}
	backwards := slices.Clone(all)
	slices.Reverse(backwards)
	tests := []struct {
		r     kv.Range
		want  []int
		views int
	}{
		{kv.Range{}, all, 3},
		{kv.Range{Reverse: true}, backwards, 3},
		{kv.Range{Limit: 5}, all[:5], 1},
		{kv.Range{Limit: kv.PageRows}, all[:kv.PageRows], 1},
		{kv.Range{Limit: kv.PageRows + 1}, all[:kv.PageRows+1], 2},
		{kv.Range{Limit: kv.PageRows + 1, Reverse: true}, backwards[:kv.PageRows+1], 2},
		{kv.Range{Lo: pageKey(3), Hi: pageKey(8)}, []int{4, 6}, 1},
		{kv.Range{Lo: pageKey(2), Hi: pageKey(8), Reverse: true}, []int{6, 4, 2}, 1},
		{kv.Range{Hi: pageKey(2 * kv.PageRows)}, all[:kv.PageRows], 2},
		{kv.Range{Lo: pageKey(2 * rows)}, nil, 1},
	}
	for i, tt := range tests {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			*runs = 0
			var got []int
			for row, err := range kv.Pages(context.Background(), view, tt.r) {
				if err != nil {
					t.Fatal(err)
				}
				n := int(binary.BigEndian.Uint32(row.Key))
				if !bytes.Equal(row.Value, []byte{byte(n / 2)}) {
					t.Errorf("%d has value %x", n, row.Value)
				}
				got = append(got, n)
			}
			if !slices.Equal(got, tt.want) || *runs != tt.views {
				t.Errorf("%d rows in %d views, want %d in %d", len(got), *runs, len(tt.want), tt.views)
			}
		})
	}
}

// A page ends where it is large, too.
func TestPagesOfLargeRows(t *testing.T) {
	const size = kv.PageBytes / 4
	view, runs := pagesStore(t, 9, size)
	n := 0
	for row, err := range kv.Pages(context.Background(), view, kv.Range{}) {
		if err != nil {
			t.Fatal(err)
		}
		if len(row.Value) != size || row.Value[0] != byte(n) {
			t.Errorf("row %d has %d bytes of %d", n, len(row.Value), row.Value[0])
		}
		n++
	}
	if n != 9 || *runs != 3 {
		t.Errorf("%d rows in %d views, want 9 in 3", n, *runs)
	}
}

// Whoever stops reads no more pages; an error ends the rows.
func TestPagesEnd(t *testing.T) {
	view, runs := pagesStore(t, 3*kv.PageRows, 1)
	for range kv.Pages(context.Background(), view, kv.Range{}) {
		break
	}
	if *runs != 1 {
		t.Errorf("%d views for one row", *runs)
	}
	failed := errors.New("failed")
	breaks := func(ctx context.Context, fn func(kv.Reader) error) error {
		if err := view(ctx, fn); err != nil || *runs < 3 {
			return err
		}
		return failed
	}
	n, errs := 0, 0
	for row, err := range kv.Pages(context.Background(), breaks, kv.Range{}) {
		switch {
		case err == nil && row.Key != nil && errs == 0:
			n++
		case errors.Is(err, failed):
			errs++
		default:
			t.Fatalf("%x, %v", row.Key, err)
		}
	}
	if n != 2*kv.PageRows || errs != 1 {
		t.Errorf("%d rows and %d errors, want %d and 1", n, errs, 2*kv.PageRows)
	}
}

// A view that runs its function again shows no row twice.
func TestPagesOfRetries(t *testing.T) {
	view, _ := pagesStore(t, 3, 1)
	twice := func(ctx context.Context, fn func(kv.Reader) error) error {
		return view(ctx, func(r kv.Reader) error {
			if err := fn(r); err != nil {
				return err
			}
			return fn(r)
		})
	}
	n := 0
	for range kv.Pages(context.Background(), twice, kv.Range{}) {
		n++
	}
	if n != 3 {
		t.Errorf("%d rows, want 3", n)
	}
}
