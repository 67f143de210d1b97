package kv_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"settle/storage/kv"
)

// slowLog holds syncs of the log while it is held.
type slowLog struct {
	held atomic.Pointer[chan struct{}]
	hits chan struct{}
}

func (s *slowLog) String() string { return "slow log" }

func (s *slowLog) MaybeError(op errorfs.Op) error {
	if gate := s.held.Load(); gate != nil && op.Kind >= errorfs.OpFileSync && op.Kind <= errorfs.OpFileSyncTo {
		select {
		case s.hits <- struct{}{}:
		default:
		}
		<-*gate
	}
	return nil
}

// TestUpdateCancelledWhileReading: an Update that wrote nothing does not answer
// nil about rows that are not on disk yet.
func TestUpdateCancelledWhileReading(t *testing.T) {
	slow := &slowLog{hits: make(chan struct{}, 1)}
	s := open(t, kv.PebbleOptions{FS: errorfs.Wrap(vfs.NewMem(), slow), Dir: "data"})
	p := kv.Partition{1}
	gate := make(chan struct{})
	slow.held.Store(&gate)
	written := make(chan error, 1)
	go func() {
		written <- s.Update(t.Context(), p, func(tx kv.Tx) error { tx.Set([]byte("k"), nil); return nil })
	}()
	<-slow.hits
	errOfFn := errors.New("of fn")
	for _, want := range []error{nil, errOfFn} {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		err := s.Update(ctx, p, func(kv.Tx) error {
			go cancel()
			return want
		})
		if want == nil {
			want = context.Canceled
		}
		if !errors.Is(err, want) {
			t.Errorf("Update that read what is not durable: %v, want %v", err, want)
		}
	}
	slow.held.Store(nil)
	close(gate)
	if err := errors.Join(<-written, s.Close()); err != nil {
		t.Fatal(fmt.Errorf("behind the gate: %w", err))
	}
}
