package background

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"settle/storage/couch"
	"settle/storage/kv"
)

// Tasks are the pieces of work that are under way, at most one of a partition.
// The zero value is ready. It is safe for concurrent use.
type Tasks struct {
	mu sync.Mutex
	m  map[kv.Partition]*Task
}

// Task is one piece of work. It is safe for concurrent use.
type Task struct {
	tasks     *Tasks
	partition kv.Partition
	hurry     chan struct{} // closed by Hurry
	ended     chan struct{}

	// Guarded by tasks.mu.
	info    couch.Task
	hurried bool
}

// Begin enters a piece of work of type and database as in info, unless there is one
// on p already, which it returns instead: then mine is false. Whoever's it is ends it.
func (t *Tasks) Begin(p kv.Partition, info couch.Task) (task *Task, mine bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if other := t.m[p]; other != nil {
		return other, false
	}
	if t.m == nil {
		t.m = make(map[kv.Partition]*Task)
	}
	info.Started = time.Now()
	info.Updated = info.Started
	task = &Task{tasks: t, partition: p, info: info, hurry: make(chan struct{}), ended: make(chan struct{})}
	t.m[p] = task
	return task, true
}

// Has reports whether there is work under way on p.
func (t *Tasks) Has(p kv.Partition) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.m[p] != nil
}

// List returns what is under way, in the order in which it began.
func (t *Tasks) List() []couch.Task {
	t.mu.Lock()
	defer t.mu.Unlock()
	var list []couch.Task
	for _, task := range t.m {
		list = append(list, task.info)
	}
	slices.SortFunc(list, func(a, b couch.Task) int {
		return cmp.Or(a.Started.Compare(b.Started), cmp.Compare(a.Database, b.Database))
	})
	return list
}

// Progress says how many changes there are in all, and how many are done.
func (t *Task) Progress(done, total int64) {
	t.tasks.mu.Lock()
	defer t.tasks.mu.Unlock()
	t.info.Done, t.info.Total, t.info.Updated = done, total, time.Now()
}

// Hurry ends the pauses of the task: somebody waits for it.
func (t *Task) Hurry() {
	t.tasks.mu.Lock()
	defer t.tasks.mu.Unlock()
	if !t.hurried {
		t.hurried = true
		close(t.hurry)
	}
}

// Pause waits for d, or until Hurry or the end of ctx, whose error it returns.
func (t *Task) Pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-t.hurry:
	case <-timer.C:
	case <-ctx.Done():
	}
	return ctx.Err()
}

// End takes the task off the list. It is called once.
func (t *Task) End() {
	t.tasks.mu.Lock()
	defer t.tasks.mu.Unlock()
	delete(t.tasks.m, t.partition)
	close(t.ended)
}

// Ended returns a channel that is closed by End.
func (t *Task) Ended() <-chan struct{} { return t.ended }
