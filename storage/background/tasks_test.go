package background_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"settle/storage/background"
	"settle/storage/couch"
)

// A partition has one task at a time; the list shows how far each is.
func TestTasks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tasks background.Tasks
		first, mine := tasks.Begin(a, couch.Task{Type: "x", Database: "one"})
		if !mine {
			t.Error("the first task is another's")
		}
		began := time.Now()
		time.Sleep(time.Second)
		second, _ := tasks.Begin(b, couch.Task{Type: "x", Database: "two"})
		if other, mine := tasks.Begin(a, couch.Task{}); mine || other != first {
			t.Error("a partition has two tasks")
		}
		first.Progress(1, 3)
		want := []couch.Task{
			{Type: "x", Database: "one", Started: began, Updated: time.Now(), Done: 1, Total: 3},
			{Type: "x", Database: "two", Started: time.Now(), Updated: time.Now()},
		}
		if diff := cmp.Diff(want, tasks.List()); diff != "" {
			t.Error(diff)
		}
		if n := tasks.List()[0].Progress(); n != 33 {
			t.Errorf("%d percent are done", n)
		}
		first.End()
		<-first.Ended()
		if tasks.Has(a) || !tasks.Has(b) {
			t.Error("the wrong task has ended")
		}
		second.End()
		if list := tasks.List(); list != nil {
			t.Errorf("%v are left", list)
		}
	})
}

func TestProgress(t *testing.T) {
	for _, tt := range []struct {
		done, total int64
		want        int
	}{{0, 0, 0}, {5, 0, 0}, {0, 10, 0}, {10, 10, 100}, {11, 10, 100}, {199, 200, 99}} {
		if got := (couch.Task{Done: tt.done, Total: tt.total}).Progress(); got != tt.want {
			t.Errorf("%d of %d: %d percent", tt.done, tt.total, got)
		}
	}
}

// A pause lasts, but not where somebody waits, or where the work is to end.
func TestPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tasks background.Tasks
		task, _ := tasks.Begin(a, couch.Task{})
		began := time.Now()
		if err := task.Pause(t.Context(), time.Second); err != nil || time.Since(began) != time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		time.AfterFunc(time.Second, task.Hurry)
		for range 3 {
			if err := task.Pause(t.Context(), time.Hour); err != nil || time.Since(began) != 2*time.Second {
				t.Errorf("in a hurry: %v after %v", err, time.Since(began))
			}
		}
		task.Hurry()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := task.Pause(ctx, time.Hour); !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
	})
}
