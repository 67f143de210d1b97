package background

import (
	"context"
	"sync"
	"time"

	"settle/storage/kv"
)

// Queue runs jobs one at a time, at most one of a partition, in a goroutine that is
// there only while there are jobs. After its job a partition rests: one that is
// added meanwhile waits until the rest is over. It is safe for concurrent use.
type Queue struct {
	rest time.Duration
	ctx  context.Context
	stop context.CancelFunc
	wg   sync.WaitGroup

	mu      sync.Mutex
	entries map[kv.Partition]*entry
	waiting []kv.Partition // in the order of their turns
	running bool
	closed  bool
}

// Job is a piece of work, which ends soon after its context. After an error its
// partition rests ten times as long.
type Job func(ctx context.Context) error

// entry is a partition that waits, that is worked on, or that rests.
type entry struct {
	job   Job         // to be done; nil: none
	timer *time.Timer // of the rest; nil: there is none
}

// NewQueue returns an empty queue. A partition rests for so long after a job.
func NewQueue(rest time.Duration) *Queue {
	q := &Queue{rest: rest, entries: make(map[kv.Partition]*entry)}
	q.ctx, q.stop = context.WithCancel(context.Background())
	return q
}

// Add lets a job be done when its turn comes. It does nothing where the partition
// has one that has not begun, or after Close.
func (q *Queue) Add(p kv.Partition, job Job) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return
	}
	if e := q.entries[p]; e != nil {
		if e.job == nil {
			e.job = job
		}
		return
	}
	q.entries[p] = &entry{job: job}
	q.enqueue(p)
}

// enqueue puts a partition into the line. The caller holds q.mu.
func (q *Queue) enqueue(p kv.Partition) {
	q.waiting = append(q.waiting, p)
	if !q.running {
		q.running = true
		q.wg.Go(q.work)
	}
}

// work does jobs until there are none.
func (q *Queue) work() {
	for {
		p, job := q.next()
		if job == nil {
			return
		}
		rest := q.rest
		if job(q.ctx) != nil {
			rest *= 10
		}
		q.letRest(p, rest)
	}
}

// next takes the first job in the line.
func (q *Queue) next() (p kv.Partition, job Job) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed || len(q.waiting) == 0 {
		q.running = false
		return p, nil
	}
	p = q.waiting[0]
	q.waiting = q.waiting[1:]
	e := q.entries[p]
	job, e.job = e.job, nil
	return p, job
}

func (q *Queue) letRest(p kv.Partition, d time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.closed {
		q.entries[p].timer = time.AfterFunc(d, func() { q.wake(p) })
	}
}

// wake ends the rest of a partition.
func (q *Queue) wake(p kv.Partition) {
	q.mu.Lock()
	defer q.mu.Unlock()
	e := q.entries[p]
	switch {
	case q.closed:
	case e.job == nil:
		delete(q.entries, p)
	default:
		e.timer = nil
		q.enqueue(p)
	}
}

// Close ends the job that is under way, forgets the others, and waits.
func (q *Queue) Close() {
	q.mu.Lock()
	q.closed = true
	q.stop()
	for _, e := range q.entries {
		if e.timer != nil {
			e.timer.Stop()
		}
	}
	q.mu.Unlock()
	q.wg.Wait()
}
