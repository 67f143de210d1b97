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
		var shared background.Shared
		var began []time.Time
		failure := errors.New("failed")
		run := func() error {
			began = append(began, time.Now())
			time.Sleep(time.Second)
			if len(began) == 2 {
				return failure
			}
			return nil
		}
		var wg sync.WaitGroup
		errs := make([]error, 4)
		for i := range errs {
			wg.Go(func() { errs[i] = shared.Do(t.Context(), run) })
			time.Sleep(100 * time.Millisecond)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if err := shared.Do(ctx, run); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a call that ended early: %v", err)
		}
		wg.Wait()
		if len(began) != 2 || errs[0] != nil || errs[1] != failure || errs[2] != failure || errs[3] != failure {
			t.Errorf("%d runs, %v", len(began), errs)
		}
	})
}
