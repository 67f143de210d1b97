package main

import (
	"context"
	"math"
	"runtime"
	"runtime/debug"
	"testing"
	"time"
)

func TestMemoryLimit(t *testing.T) {
	for _, test := range []struct {
		heap, stacks uint64
		want         int64
	}{
		{0, 0, memoryAim},
		{64 << 20, 1 << 20, memoryAim},
		{100 << 20, 0, (150 << 20) + memoryOther},
		{100 << 20, 80 << 20, (230 << 20) + memoryOther},
		{4 << 30, 1 << 30, (7 << 30) + memoryOther},
	} {
		if got := memoryLimit(test.heap, test.stacks); got != test.want {
			t.Errorf("%d and %d: %d, want %d", test.heap, test.stacks, got, test.want)
		}
	}
}

// What is held is seen after the next collection.
func TestMemoryInUse(t *testing.T) {
	held := make([]byte, 32<<20)
	runtime.GC()
	if heap, stacks := memoryInUse(); heap < 32<<20 || stacks == 0 {
		t.Errorf("%d and %d in use", heap, stacks)
	}
	runtime.KeepAlive(held)
}

// The limit follows what is in use, and is taken back; whoever set the runtime's
// variables has set it.
func TestMemoryIsBounded(t *testing.T) {
	const before = 1 << 40
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(before))
	for _, name := range []string{"GOGC", "GOMEMLIMIT"} {
		boundMemory(t.Context(), func(asked string) string { return map[string]string{name: "75"}[asked] })
		if got := debug.SetMemoryLimit(-1); got != before {
			t.Errorf("%s: the limit is %d", name, got)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		boundMemory(ctx, func(string) string { return "" })
		close(done)
	}()
	limit := debug.SetMemoryLimit(-1)
	for deadline := time.Now().Add(time.Minute); limit == before && time.Now().Before(deadline); limit = debug.SetMemoryLimit(-1) {
		time.Sleep(time.Millisecond)
	}
	if limit < memoryAim || limit >= before {
		t.Errorf("the limit is %d", limit)
	}
	cancel()
	<-done
	if got := debug.SetMemoryLimit(-1); got != math.MaxInt64 {
		t.Errorf("at last the limit is %d", got)
	}
}
