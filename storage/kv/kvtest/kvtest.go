// Package kvtest holds the suite that every engine behind [kv.Store] passes.
package kvtest

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"settle/storage/kv"
)

// A Factory prepares an empty place for a store and returns what opens it.
// open may be called again after the store that it gave was closed, and then
// gives one with the same rows. It fails the test on an error.
type Factory func(t *testing.T) (open func() kv.Store)

// Run checks all that the comments of package kv promise. Each subtest has a
// store of its own.
func Run(t *testing.T, factory Factory) {
	for _, group := range []map[string]func(*testing.T, *store){
		reads, writes, transactions, durability, hints,
	} {
		for name, check := range group {
			t.Run(name, func(t *testing.T) {
				s := &store{t: t, open: factory(t)}
				s.reopen()
				t.Cleanup(func() { _ = s.Close() })
				check(t, s)
			})
		}
	}
}

// store is the engine under test, with what the checks do all the time.
type store struct {
	kv.Store
	t    *testing.T
	open func() kv.Store
}

// reopen closes the store and opens it again.
func (s *store) reopen() {
	s.t.Helper()
	if s.Store != nil {
		if err := s.Close(); err != nil {
			s.t.Fatalf("Close: %v", err)
		}
	}
	s.Store = s.open()
}

// row is a row with printable contents.
type row struct{ Key, Value string }

// set writes rows in one Update.
func (s *store) set(p kv.Partition, rows ...row) {
	s.t.Helper()
	s.update(p, func(tx kv.Tx) error {
		for _, r := range rows {
			tx.Set([]byte(r.Key), []byte(r.Value))
		}
		return nil
	})
}

func (s *store) update(p kv.Partition, fn func(kv.Tx) error) {
	s.t.Helper()
	if err := s.Update(s.t.Context(), p, fn); err != nil {
		s.t.Fatalf("Update: %v", err)
	}
}

func (s *store) view(p kv.Partition, fn func(kv.Reader) error) {
	s.t.Helper()
	if err := s.View(s.t.Context(), p, fn); err != nil {
		s.t.Fatalf("View: %v", err)
	}
}

// want checks that the partition holds exactly these rows.
func (s *store) want(p kv.Partition, rows ...row) {
	s.t.Helper()
	s.view(p, func(r kv.Reader) error {
		s.t.Helper()
		got, err := collect(s.t.Context(), r, kv.Range{})
		if diff := cmp.Diff(rows, got); diff != "" {
			s.t.Errorf("rows (-want +got):\n%s", diff)
		}
		return err
	})
}

// collect reads a range whole.
func collect(ctx context.Context, r kv.Reader, rg kv.Range) ([]row, error) {
	var rows []row
	for kv, err := range r.Scan(ctx, rg) {
		if err != nil {
			return nil, err
		}
		rows = append(rows, row{string(kv.Key), string(kv.Value)})
	}
	return rows, nil
}

func (s *store) version(p kv.Partition) uint64 {
	s.t.Helper()
	vs, err := s.Versions(s.t.Context(), []kv.Partition{p})
	if err != nil || len(vs) != 1 {
		s.t.Fatalf("Versions = %v, %v", vs, err)
	}
	return vs[0]
}

// The partitions of the checks: neighbours, and the ends of the space.
var (
	p1    = kv.Partition{0, 0, 0, 0, 0, 0, 0, 1}
	p2    = kv.Partition{0, 0, 0, 0, 0, 0, 0, 2}
	pHigh = kv.Partition{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
	pZero kv.Partition
)

var errOfFn = errors.New("error of fn")
