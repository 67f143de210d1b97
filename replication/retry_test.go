package replication_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"settle/replication"
)

var errPasses, errStays = errors.New("passes"), errors.New("stays")

func TestRetry(t *testing.T) {
	for _, tt := range []struct {
		name    string
		results []error // of the calls
		lasts   time.Duration
		took    time.Duration // all pauses
		want    error
	}{
		{"at once", []error{nil}, time.Hour, 0, nil},
		{"then", []error{errPasses, errPasses, nil}, time.Hour, 750 * time.Millisecond, nil},
		{"never", []error{errPasses, errPasses, errPasses, errPasses}, time.Hour, 1750 * time.Millisecond, errPasses},
		{"for good", []error{errPasses, errStays}, time.Hour, 250 * time.Millisecond, errStays},
		{"too late", []error{errPasses, errPasses}, 600 * time.Millisecond, 600 * time.Millisecond, context.DeadlineExceeded},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), tt.lasts)
				defer cancel()
				begun, calls := time.Now(), 0
				err := replication.Retry(ctx, 3, func(err error) bool { return err == errPasses }, func() error {
					calls++
					return tt.results[calls-1]
				})
				if err != tt.want || calls != len(tt.results) || time.Since(begun) != tt.took {
					t.Errorf("%v after %d calls and %v", err, calls, time.Since(begun))
				}
			})
		})
	}
}
