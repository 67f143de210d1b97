package replication

import (
	"context"
	"errors"
	"sync"
	"time"
)

// batch is what a worker does at once.
type batch struct {
	n       int
	changes []Change
}

// linger is how long a batch waits for more changes.
const linger = 20 * time.Millisecond

// copy reads the changes and does them, until there are no more. One goroutine reads
// ahead, one makes batches, the workers do them, and checkpoints are kept in between.
// Memory is bounded: what is read ahead by two batches, what is done by the workers.
func (r *Replication) copy(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	rows := make(chan Change, r.spec.BatchSize)
	batches := make(chan batch)
	var running sync.WaitGroup
	start := func(fn func() error) {
		running.Go(func() {
			if err := fn(); err != nil {
				cancel(err)
			}
		})
	}
	start(func() error { defer close(rows); return r.read(ctx, rows) })
	start(func() error { defer close(batches); return r.gather(ctx, rows, batches) })
	for range r.spec.Workers {
		start(func() error { return r.work(ctx, batches) })
	}
	finished := make(chan struct{})
	go func() { running.Wait(); close(finished) }()
	err := r.keepCheckpoints(ctx, finished)
	if err != nil {
		cancel(err)
	}
	<-finished
	return context.Cause(ctx)
}

// keepCheckpoints records how far the replication has come, now and then.
func (r *Replication) keepCheckpoints(ctx context.Context, finished <-chan struct{}) error {
	ticker := time.NewTicker(r.spec.CheckpointInterval)
	defer ticker.Stop()
	for {
		select {
		case <-finished:
			return nil
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			if err := r.record(ctx); err != nil {
				return err
			}
			r.askPending(ctx)
		}
	}
}

// read reads the feed.
func (r *Replication) read(ctx context.Context, rows chan<- Change) error {
	feed := Feed{Since: string(r.session.StartSeq), WinningOnly: r.spec.WinningRevsOnly, Wait: r.spec.Continuous, Filter: r.spec.Filter}
	for change, err := range r.Source.Changes(ctx, feed) {
		if err != nil {
			return err
		}
		select {
		case rows <- change:
		case <-ctx.Done():
			return ctx.Err()
		}
		r.mu.Lock()
		r.readSeq = Seq(change.Seq)
		r.mu.Unlock()
	}
	return nil
}

// gather makes batches: full ones while there is much to do, at once what there is
// when there is little.
func (r *Replication) gather(ctx context.Context, rows <-chan Change, batches chan<- batch) error {
	b := batch{}
	var since <-chan time.Time // lets the batch go that waits
	for {
		more := rows
		var out chan<- batch
		if len(b.changes) >= r.spec.BatchSize {
			more, out = nil, batches
		} else if len(b.changes) > 0 && since == nil {
			out = batches
		}
		select {
		case change, ok := <-more:
			if !ok {
				return flush(ctx, b, batches)
			}
			if len(b.changes) == 0 {
				since = time.After(linger)
			}
			b.changes = append(b.changes, change)
		case <-since:
			since = nil
		case out <- b:
			b, since = batch{n: b.n + 1}, nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func flush(ctx context.Context, b batch, batches chan<- batch) error {
	if len(b.changes) == 0 {
		return nil
	}
	select {
	case batches <- b:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// work does batches.
func (r *Replication) work(ctx context.Context, batches <-chan batch) error {
	for b := range batches {
		if err := r.doBatch(ctx, b.changes); err != nil {
			return err
		}
		last := ""
		for _, change := range b.changes {
			if change.Seq != "" && change.Seq != "null" {
				last = change.Seq
			}
		}
		r.mu.Lock()
		r.progress.finish(b.n, last)
		r.mu.Unlock()
	}
	return nil
}

// doBatch does a batch, and again after a pause where a side has trouble.
func (r *Replication) doBatch(ctx context.Context, changes []Change) error {
	w := worker{r: r, changes: changes}
	return Retry(ctx, r.spec.Retries, mayPass, func() error { return w.try(ctx) })
}

// mayPass reports whether another try of a batch may succeed.
func mayPass(err error) bool {
	known, ok := errors.AsType[*Error](err)
	return !ok || known.Kind == Failed
}
