package waiters_test

import (
	"testing"
	"testing/synctest"
	"time"

	"settle/storage/kv/waiters"
)

// TestManyWaiters: any number of live waiters wait without waking each other, and
// those that have gone away are forgotten.
func TestManyWaiters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 100_000
		w := waiters.New[[8]byte]()
		id := func(i int) [8]byte { return [8]byte{byte(i), byte(i >> 8), byte(i >> 16)} }
		chans := make([]<-chan struct{}, n)
		woken := func() (count int) {
			for _, ch := range chans {
				select {
				case <-ch:
					count++
				default:
				}
			}
			return count
		}
		for range 60 { // feeds look every minute
			for i := range chans {
				chans[i] = w.Wait(id(i))
			}
			if got := woken(); got != 0 {
				t.Fatalf("%d live waiters were woken without a commit", got)
			}
			time.Sleep(time.Minute)
		}
		for range 3 { // others come; these have left
			time.Sleep(15 * time.Minute)
			for i := range n {
				w.Wait(id(n + i))
			}
		}
		if got := woken(); got != n {
			t.Errorf("%d of %d channels that nobody asks for were given up", got, n)
		}
	})
}
