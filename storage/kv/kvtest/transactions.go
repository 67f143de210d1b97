package kvtest

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"settle/storage/kv"
)

var transactions = map[string]func(*testing.T, *store){
	"OwnWritesUnseen":       ownWritesUnseen,
	"ErrorOfFn":             errorOfFn,
	"PanicOfFn":             panicOfFn,
	"CancelBeforeCommit":    cancelBeforeCommit,
	"CancelWhileWaiting":    cancelWhileWaiting,
	"ConcurrentIncrements":  concurrentIncrements,
	"PartitionsIndependent": partitionsIndependent,
	"ClosedStore":           closedStore,
}

func ownWritesUnseen(t *testing.T, s *store) {
	s.set(p1, row{"a", "old"}, row{"b", "old"})
	s.update(p1, func(tx kv.Tx) error {
		tx.Set([]byte("a"), []byte("new"))
		tx.Set([]byte("c"), []byte("new"))
		tx.Delete([]byte("b"))
		vs, err := tx.GetMulti(t.Context(), []byte("a"), []byte("b"), []byte("c"))
		if err != nil {
			return err
		}
		if string(vs[0]) != "old" || string(vs[1]) != "old" || vs[2] != nil {
			t.Errorf("a transaction read its own writes: %q", vs)
		}
		rows, err := collect(t.Context(), tx, kv.Range{})
		if len(rows) != 2 {
			t.Errorf("a transaction scanned its own writes: %q", rows)
		}
		return err
	})
	s.want(p1, row{"a", "new"}, row{"c", "new"})
}

func errorOfFn(t *testing.T, s *store) {
	s.set(p1, row{"a", "1"})
	before := s.version(p1)
	err := s.Update(t.Context(), p1, func(tx kv.Tx) error {
		tx.Set([]byte("a"), []byte("2"))
		tx.DeleteRange(nil, nil)
		return errOfFn
	})
	if err != errOfFn {
		t.Errorf("Update = %v, want the error of fn as it is", err)
	}
	if err := s.View(t.Context(), p1, func(kv.Reader) error { return errOfFn }); err != errOfFn {
		t.Errorf("View = %v, want the error of fn as it is", err)
	}
	s.want(p1, row{"a", "1"})
	if got := s.version(p1); got != before {
		t.Errorf("version %d after a failed update, want %d", got, before)
	}
}

func panicOfFn(t *testing.T, s *store) {
	s.set(p1, row{"a", "1"})
	for name, call := range map[string]func(){
		"Update": func() {
			_ = s.Update(t.Context(), p1, func(tx kv.Tx) error {
				tx.Set([]byte("a"), []byte("2"))
				panic(errOfFn)
			})
		},
		"View": func() {
			_ = s.View(t.Context(), p1, func(kv.Reader) error { panic(errOfFn) })
		},
	} {
		func() {
			defer func() {
				if r := recover(); r != errOfFn {
					t.Errorf("%s: recovered %v, want the panic of fn", name, r)
				}
			}()
			call()
		}()
	}
	s.want(p1, row{"a", "1"})
	s.set(p1, row{"b", "2"})
	s.want(p1, row{"a", "1"}, row{"b", "2"})
	s.reopen()
}

func cancelBeforeCommit(t *testing.T, s *store) {
	ctx, cancel := context.WithCancel(t.Context())
	err := s.Update(ctx, p1, func(tx kv.Tx) error {
		tx.Set([]byte("a"), []byte("1"))
		cancel()
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Update = %v, want a cancelled context", err)
	}
	called := false
	err = s.Update(ctx, p1, func(kv.Tx) error { called = true; return nil })
	if !errors.Is(err, context.Canceled) || called {
		t.Errorf("Update = %v (fn called: %v), want a cancelled context", err, called)
	}
	if err := s.Drop(ctx, p1); !errors.Is(err, context.Canceled) {
		t.Errorf("Drop = %v, want a cancelled context", err)
	}
	s.want(p1)
}

func cancelWhileWaiting(t *testing.T, s *store) {
	inside, leave := make(chan struct{}), make(chan struct{})
	done := make(chan error, 1)
	go func() {
		once := sync.OnceFunc(func() { close(inside) })
		done <- s.Update(context.Background(), p1, func(tx kv.Tx) error {
			once()
			<-leave
			tx.Set([]byte("a"), []byte("first"))
			return nil
		})
	}()
	<-inside
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	err := s.Update(ctx, p1, func(tx kv.Tx) error { tx.Set([]byte("b"), nil); return ctx.Err() })
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Update = %v, want an expired context", err)
	}
	close(leave)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	s.want(p1, row{"a", "first"})
}

// concurrentIncrements has writers add to counters that views must always find
// equal.
func concurrentIncrements(t *testing.T, s *store) {
	const writers, each = 8, 25
	var wg sync.WaitGroup
	stop := make(chan struct{})
	for range writers {
		wg.Go(func() {
			for range each {
				if err := s.Update(t.Context(), p1, increment(t.Context())); err != nil {
					t.Errorf("Update: %v", err)
				}
			}
		})
	}
	var readers sync.WaitGroup
	readers.Go(func() {
		for last := uint64(0); ; {
			select {
			case <-stop:
				return
			default:
			}
			n, err := s.counters(t.Context())
			if err != nil || n < last {
				t.Errorf("counters at %d (%v) after %d", n, err, last)
				return
			}
			last = n
		}
	})
	wg.Wait()
	close(stop)
	readers.Wait()
	if n, err := s.counters(t.Context()); n != writers*each {
		t.Errorf("counters at %d (%v), want %d", n, err, writers*each)
	}
}

var counterKeys = [][]byte{[]byte("x"), []byte("y")}

func increment(ctx context.Context) func(kv.Tx) error {
	return func(tx kv.Tx) error {
		vs, err := tx.GetMulti(ctx, counterKeys...)
		if err != nil {
			return err
		}
		for i, k := range counterKeys {
			n := uint64(0)
			if vs[i] != nil {
				n = binary.BigEndian.Uint64(vs[i])
			}
			tx.Set(k, binary.BigEndian.AppendUint64(nil, n+1))
		}
		return nil
	}
}

func (s *store) counters(ctx context.Context) (n uint64, err error) {
	err = s.View(ctx, p1, func(r kv.Reader) error {
		vs, err := r.GetMulti(ctx, counterKeys...)
		if err != nil || vs[0] == nil {
			return err
		}
		if string(vs[0]) != string(vs[1]) {
			return fmt.Errorf("half an update is visible: %x, %x", vs[0], vs[1])
		}
		n = binary.BigEndian.Uint64(vs[0])
		return nil
	})
	return n, err
}

func partitionsIndependent(t *testing.T, s *store) {
	s.update(p1, func(tx kv.Tx) error {
		done := make(chan error, 1)
		go func() {
			done <- s.Update(t.Context(), p2, func(tx kv.Tx) error { tx.Set([]byte("a"), nil); return nil })
		}()
		tx.Set([]byte("a"), nil)
		select {
		case err := <-done:
			return err
		case <-time.After(10 * time.Second):
			return errors.New("an update waits for that of another partition")
		}
	})
	s.want(p2, row{"a", ""})
}

func closedStore(t *testing.T, s *store) {
	s.set(p1, row{"a", "1"})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	_, errVersions := s.Versions(ctx, []kv.Partition{p1})
	_, errPartitions := s.Partitions(ctx, pZero, 1)
	for name, err := range map[string]error{
		"View":       s.View(ctx, p1, func(kv.Reader) error { return nil }),
		"Update":     s.Update(ctx, p1, func(tx kv.Tx) error { tx.Set([]byte("a"), nil); return nil }),
		"Drop":       s.Drop(ctx, p1),
		"Versions":   errVersions,
		"Partitions": errPartitions,
	} {
		if !errors.Is(err, kv.ErrClosed) {
			t.Errorf("%s on a closed store: %v, want ErrClosed", name, err)
		}
	}
}
