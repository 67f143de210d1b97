package view_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"settle/storage/couch"
	"settle/storage/view"
)

// gatedFunctions map nothing before their gate is open.
type gatedFunctions struct {
	testFunctions
	gate chan struct{}
}

type gatedMapper struct {
	view.Mapper
	gate chan struct{}
}

func (g gatedFunctions) Mapper(i couch.Incarnation, d *view.Definition) (view.Mapper, error) {
	m, err := g.testFunctions.Mapper(i, d)
	return gatedMapper{m, g.gate}, err
}

func (m gatedMapper) Map(ctx context.Context, docs [][]byte) ([][][]view.Emitted, error) {
	<-m.gate
	return m.Mapper.Map(ctx, docs)
}

// Who waits for an index is counted, unlike what is done in the background.
func TestInfoWaiting(t *testing.T) {
	b := newBench(t, false)
	gate := make(chan struct{})
	b.indexes.Close()
	b.indexes = view.New(view.Options{Functions: gatedFunctions{gate: gate}})
	b.put([2]string{"a", `{"n":1}`})
	ix := b.index(joinDefinition("n"))
	await := func(waiting int64, running bool) {
		t.Helper()
		for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
			info, err := ix.Info(ctx)
			if err != nil {
				t.Fatal(err)
			}
			if info.Waiting == waiting && info.UpdaterRunning == running {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("%+v; want %d that wait", info, waiting)
			}
		}
	}
	if err := ix.UpdateLater(ctx); err != nil {
		t.Fatal(err)
	}
	await(0, true)
	var waiting sync.WaitGroup
	for range 3 {
		waiting.Go(func() {
			if err := ix.Update(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	await(3, true)
	close(gate)
	waiting.Wait()
	await(0, false)
}
