package replication

import (
	"context"
	"time"
)

// Retry calls fn, and again as often as retries says while its error may pass, each time
// after a pause twice as long as the one before. The error is the last one, or that of ctx.
func Retry(ctx context.Context, retries int, mayPass func(error) bool, fn func() error) error {
	pause := 250 * time.Millisecond
	for try := 0; ; try++ {
		err := fn()
		if err == nil || try >= retries || ctx.Err() != nil || !mayPass(err) {
			return err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return ctx.Err()
		}
		pause = min(2*pause, 10*time.Second)
	}
}
