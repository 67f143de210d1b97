package main

import (
	"context"
	"math"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// memoryAim is what a server with little in use keeps to, in bytes. The collector
	// works more often near it, and hardly at all below.
	memoryAim = 140 << 20
	// memoryOther is what the process needs besides heap and stacks, in bytes.
	memoryOther = 24 << 20
	// memoryEvery is how often the limit follows what is in use.
	memoryEvery = time.Second
)

// boundMemory keeps the runtime's memory limit near what is in use, until ctx ends.
// Without it garbage may grow to as much again as is in use. Who sets GOGC or GOMEMLIMIT
// decides instead.
func boundMemory(ctx context.Context, getenv func(string) string) {
	if getenv("GOGC") != "" || getenv("GOMEMLIMIT") != "" {
		return
	}
	defer debug.SetMemoryLimit(math.MaxInt64)
	tick := time.NewTicker(memoryEvery)
	defer tick.Stop()
	for {
		debug.SetMemoryLimit(memoryLimit(memoryInUse()))
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// memoryInUse returns the bytes of the heap that the last collection found in use, and
// those of the stacks.
func memoryInUse() (heap, stacks uint64) {
	samples := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/memory/classes/heap/stacks:bytes"}}
	metrics.Read(samples)
	return samples[0].Value.Uint64(), samples[1].Value.Uint64()
}

// memoryLimit returns the limit, in bytes, for what is in use. It leaves room for garbage
// of half of that at least, so that a server with much in use is not kept busy collecting.
func memoryLimit(heap, stacks uint64) int64 {
	return int64(max(memoryAim, heap+heap/2+stacks+memoryOther))
}
