package background_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"settle/storage/background"
)

// Everybody's run begins after the call, and those who wait share one.
func TestShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var began []time.Time
		failure := errors.New("failed")
		shared := background.NewShared(func(context.Context) error {
			began = append(began, time.Now())
			time.Sleep(time.Second)
			if len(began) == 2 {
				return failure
			}
			return nil
		})
		var wg sync.WaitGroup
		errs := make([]error, 4)
		for i := range errs {
			wg.Go(func() { errs[i] = shared.Do(t.Context()) })
			time.Sleep(100 * time.Millisecond)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if err := shared.Do(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a call that ended early: %v", err)
		}
		wg.Wait()
		if len(began) != 2 || errs[0] != nil || errs[1] != failure || errs[2] != failure || errs[3] != failure {
			t.Errorf("%d runs, %v", len(began), errs)
		}
	})
}

// A run goes on as long as somebody waits for it, whoever asked first; one that nobody
// waits for is told to end.
func TestSharedContext(t *testing.T) {
	const minute = time.Minute
	for _, tt := range []struct {
		name     string
		patience []time.Duration // of callers, who come within the first second
		want     []string        // what becomes of the runs
	}{
		{"all wait", []time.Duration{minute, minute, minute}, []string{"done", "done"}},
		{"the first leaves, who alone has the first run", []time.Duration{2 * time.Second, minute}, []string{"ended", "done"}},
		{"the second leaves, the third waits for its run", []time.Duration{minute, 15 * time.Second, minute}, []string{"done", "done"}},
		{"both leave the second run", []time.Duration{minute, 15 * time.Second, 12 * time.Second}, []string{"done", "ended"}},
		{"both leave the second run before it begins", []time.Duration{minute, 2 * time.Second, 5 * time.Second}, []string{"done", "ended"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				runs := new(log)
				shared := background.NewShared(func(ctx context.Context) error {
					select {
					case <-ctx.Done():
						runs.note("ended")
					case <-time.After(10 * time.Second):
						runs.note("done")
					}
					return ctx.Err()
				})
				var wg sync.WaitGroup
				for i, patience := range tt.patience {
					ctx, cancel := context.WithTimeout(t.Context(), patience)
					defer cancel()
					wg.Go(func() {
						if err := shared.Do(ctx); (err == nil) != (patience == minute) {
							t.Errorf("caller %d: %v", i, err)
						}
					})
					time.Sleep(100 * time.Millisecond)
				}
				wg.Wait()
				time.Sleep(minute) // of a run that nobody waits for
				expect(t, runs, tt.want...)
			})
		})
	}
}
