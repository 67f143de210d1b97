package background_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"settle/storage/background"
	"settle/storage/kv"
)

var a, b, c = kv.Partition{1}, kv.Partition{2}, kv.Partition{3}

// log notes what jobs did, and when.
type log struct {
	mu    sync.Mutex
	lines []string
}

func (l *log) note(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, line)
}

// job returns a job that takes a second.
func (l *log) job(name string, err error) background.Job {
	began := time.Now()
	return func(ctx context.Context) error {
		l.note(name + " at " + time.Since(began).String())
		select {
		case <-time.After(time.Second):
			return err
		case <-ctx.Done():
			l.note(name + " was ended")
			return ctx.Err()
		}
	}
}

func expect(t *testing.T, l *log, want ...string) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	if !slices.Equal(l.lines, want) {
		t.Errorf("%q, want %q", l.lines, want)
	}
}

// Jobs run one at a time, in the order in which they came, each partition's once.
func TestQueueOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, l := background.NewQueue(time.Minute), new(log)
		defer q.Close()
		for _, p := range []kv.Partition{b, a, b, c, a} {
			q.Add(p, l.job(string('a'+p[0]-1), nil))
		}
		time.Sleep(10 * time.Second)
		expect(t, l, "b at 0s", "a at 1s", "c at 2s")
	})
}

// A partition that is added while its job runs, or while it rests, has its turn
// once, after the rest; a failed one rests longer.
func TestQueueRest(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want string
	}{{nil, "again at 1m0.5s"}, {errors.New("failed"), "again at 10m0.5s"}} {
		synctest.Test(t, func(t *testing.T) {
			q, l := background.NewQueue(time.Minute), new(log)
			defer q.Close()
			q.Add(a, l.job("first", tt.err))
			time.Sleep(time.Second / 2)
			q.Add(a, l.job("again", nil))
			time.Sleep(10 * time.Second)
			q.Add(a, l.job("never", nil))
			time.Sleep(time.Hour)
			expect(t, l, "first at 0s", tt.want)
			q.Add(a, l.job("later", nil))
			time.Sleep(time.Hour)
			expect(t, l, "first at 0s", tt.want, "later at 0s")
		})
	}
}

// Close ends what runs and forgets the rest; it leaves no goroutine.
func TestQueueClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, l := background.NewQueue(time.Minute), new(log)
		q.Add(c, l.job("rests", nil))
		time.Sleep(2 * time.Second)
		q.Add(c, l.job("never", nil))
		q.Add(a, l.job("a", nil))
		q.Add(b, l.job("b", nil))
		time.Sleep(time.Second / 2)
		q.Close()
		q.Add(b, l.job("late", nil))
		time.Sleep(time.Hour)
		expect(t, l, "rests at 0s", "a at 0s", "a was ended")
	})
}
