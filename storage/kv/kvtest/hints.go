package kvtest

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"settle/storage/kv"
)

var hints = map[string]func(*testing.T, *store){
	"Versions":   versions,
	"Partitions": partitions,
	"Wait":       wait,
}

func versions(t *testing.T, s *store) {
	if got := s.version(p1); got != 0 {
		t.Errorf("version %d in an empty store, want 0", got)
	}
	last := uint64(0)
	for i := range 10 {
		if i%3 == 2 {
			s.reopen()
			if got := s.version(p1); got != last {
				t.Fatalf("version %d after reopening, want %d", got, last)
			}
		}
		if i%2 == 0 {
			s.set(p1, row{"a", "1"})
		} else {
			s.update(p1, func(tx kv.Tx) error { tx.Delete([]byte("a")); return nil })
		}
		got := s.version(p1)
		if got <= last {
			t.Fatalf("version %d after %d", got, last)
		}
		last = got
	}
	s.set(pHigh, row{"a", "1"})
	got, err := s.Versions(t.Context(), []kv.Partition{pHigh, p2, p1, p1})
	if err != nil || len(got) != 4 || got[0] == 0 || got[1] != 0 || got[2] != last || got[3] != last {
		t.Errorf("Versions = %v, %v", got, err)
	}
}

func partitions(t *testing.T, s *store) {
	all := []kv.Partition{p1, p2, {1}, {1, 0, 0, 0, 0, 0, 0, 1}, {0x7f, 0xff}, pHigh}
	for _, p := range all {
		s.set(p, row{"", "1"}, row{"a", "1"}, row{"\xff", "1"})
	}
	s.set(kv.Partition{2}, row{"a", "deleted"})
	s.update(kv.Partition{2}, func(tx kv.Tx) error { tx.Delete([]byte("a")); return nil })
	for name, test := range map[string]struct {
		after kv.Partition
		n     int
		want  []kv.Partition
	}{
		"all":        {pZero, 100, all},
		"exactly":    {pZero, len(all), all},
		"page":       {pZero, 2, all[:2]},
		"next page":  {all[1], 2, all[2:4]},
		"between":    {kv.Partition{3}, 100, all[4:]},
		"last":       {all[4], 100, all[5:]},
		"behind all": {pHigh, 100, nil},
		"none asked": {pZero, 0, nil},
	} {
		got, err := s.Partitions(t.Context(), test.after, test.n)
		if diff := cmp.Diff(test.want, got); diff != "" || err != nil {
			t.Errorf("%s: error %v, partitions (-want +got):\n%s", name, err, diff)
		}
	}
}

func wait(t *testing.T, s *store) {
	w, ok := s.Store.(kv.Waker)
	if !ok {
		t.Skip("the engine has no Waker")
	}
	for name, step := range map[string]func() error{
		"commit": func() error { s.set(p1, row{"a", "1"}); return nil },
		"drop":   func() error { return s.Drop(t.Context(), p1) },
		"lazy commit and sync": func() error {
			set := func(tx kv.Tx) error { tx.Set([]byte("a"), nil); return nil }
			if err := s.Update(t.Context(), p1, set, kv.Lazy); err != nil {
				return err
			}
			s.set(p2, row{"a", "1"})
			return nil
		},
	} {
		ch, other := w.Wait(p1), w.Wait(pHigh)
		if err := step(); err != nil {
			t.Fatal(err)
		}
		if !closes(ch) {
			t.Errorf("%s: the channel stays open", name)
		}
		if isClosed(other) {
			t.Logf("%s: another partition's channel was closed too", name)
		}
	}
	failed := w.Wait(p1)
	_ = s.Update(t.Context(), p1, func(kv.Tx) error { return errOfFn })
	_ = s.View(t.Context(), p1, func(kv.Reader) error { return nil })
	if isClosed(failed) {
		t.Error("the channel was closed without a commit")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if !closes(failed) || !closes(w.Wait(p1)) {
		t.Error("a channel stays open when the store is closed")
	}
}

func isClosed(ch <-chan struct{}) bool {
	select {
	case <-ch:
		return true
	default:
		return false
	}
}

// closes waits for the channel.
func closes(ch <-chan struct{}) bool {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	select {
	case <-ch:
		return true
	case <-ctx.Done():
		return false
	}
}
