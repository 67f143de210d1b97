package replication_test

import (
	"fmt"
	"sync"
	"testing"
)

// Replicas that are each other's sources say of what none of them has that it is gone,
// at once, wherever it is asked for, and go on giving what one of them has.
func TestDeferredInCircles(t *testing.T) {
	a, b := start(t), start(t)
	for _, ring := range [][]struct {
		p  *peer
		db string
	}{
		{{a, "one"}, {b, "one"}},
		{{a, "two"}, {a, "too"}},
		{{a, "three"}, {b, "drei"}, {a, "trois"}},
	} {
		first := ring[0]
		first.p.must("PUT", "/"+first.db, nil, nil)
		for i := range 4 {
			first.p.attach(fmt.Sprintf("/%s/m%d/body", first.db, i), "text/plain", noise(uint64(i), 100_000))
		}
		side := func(i int) any {
			at := ring[i%len(ring)]
			if len(ring) == 2 && ring[0].p == ring[1].p {
				return at.db // by its name
			}
			return endpoint(at.p.URL(), at.db)
		}
		for i := 1; i < len(ring); i++ {
			ring[i].p.postpone(side(i-1), ring[i].db)
		}
		ring[1].p.fetch("/" + ring[1].db + "/m3/body") // and keep it
		first.p.must("DELETE", "/"+first.db, nil, nil)
		first.p.postpone(side(len(ring)-1), first.db)

		var readers sync.WaitGroup
		for i := range 3 {
			for _, at := range ring {
				readers.Go(func() {
					path := fmt.Sprintf("/%s/m%d/body", at.db, i)
					if status, _, got, err := at.p.fetch(path); err != nil || status != 410 {
						t.Errorf("%s: %d %.100s %v", path, status, got, err)
					}
				})
			}
		}
		readers.Wait()
		for _, at := range ring {
			if status, _, got, err := at.p.fetch("/" + at.db + "/m3/body"); err != nil || status != 200 || len(got) != 100_000 {
				t.Errorf("%s: what is kept: %d, %d bytes, %v", at.db, status, len(got), err)
			}
		}
	}
}
