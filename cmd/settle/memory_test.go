package main

import (
	"context"
	"math"
	"runtime"
	"runtime/debug"
	"testing"
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

// Whoever set the runtime's variables has set the limit.
func TestMemoryIsBounded(t *testing.T) {
	ended, end := context.WithCancel(t.Context())
	end()
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(-1))
	for name, want := range map[string]int64{"GOGC": 1 << 40, "GOMEMLIMIT": 1 << 40, "OTHER": math.MaxInt64} {
		debug.SetMemoryLimit(1 << 40)
		boundMemory(ended, func(asked string) string {
			if asked == name {
				return "75"
			}
			return ""
		})
		if got := debug.SetMemoryLimit(-1); got != want {
			t.Errorf("%s: the limit is %d, want %d", name, got, want)
		}
	}
}
