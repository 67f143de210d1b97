package attachments_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"settle/attachments"
	"settle/storage/couch"
)

func readBlob(blob *attachments.Blob) ([]byte, error) {
	r, err := blob.Reader(0, -1)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

// Random operations leave what a map would hold.
func TestAgainstModel(t *testing.T) {
	for seed := range uint64(10) {
		rng := rand.New(rand.NewPCG(seed, 1))
		e := newEnv(t, vfs.NewMem())
		model := map[couch.BlobID][]byte{}
		var pending []*attachments.Pending
		contents := map[couch.BlobID][]byte{}
		for range 150 {
			switch rng.IntN(8) {
			case 0, 1, 2:
				content := noise(sizes[rng.IntN(len(sizes))], rng.Uint64())
				p := e.write(content)
				pending, contents[p.BlobID()] = append(pending, p), content
			case 3, 4:
				if len(pending) > 0 {
					id := e.commit(pending[0])
					model[id], pending = contents[id], pending[1:]
				}
			case 5:
				if len(pending) > 0 {
					pending[0].Discard()
					pending = pending[1:]
				}
			case 6:
				for id := range model {
					e.delete(id)
					delete(model, id)
					break
				}
			case 7:
				swept, err := e.store.Sweep(t.Context(), e.existing)
				if err != nil || swept != (attachments.Swept{}) {
					t.Fatalf("seed %d: swept %+v, %v", seed, swept, err)
				}
			}
		}
		for _, p := range pending {
			p.Discard()
		}
		files := 0
		for id, content := range model {
			if got, err := e.get(id, 0, -1); err != nil || !bytes.Equal(got, content) {
				t.Fatalf("seed %d: blob %s: %v", seed, id, err)
			}
			if len(content) > 32<<10 {
				files++
			}
		}
		checked, problems := e.check()
		if checked.Blobs != len(model) || len(problems) != 0 || len(e.files()) != files {
			t.Fatalf("seed %d: %+v, %v, %d files, want %d", seed, checked, problems, len(e.files()), files)
		}
	}
}

// Sweep and Check run beside uploads, reads and deletions, and harm none.
func TestConcurrent(t *testing.T) {
	e := newEnv(t, vfs.NewMem())
	stop := make(chan struct{})
	var sweeper, workers sync.WaitGroup
	sweeper.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			if _, err := e.store.Sweep(t.Context(), e.existing); err != nil {
				t.Error(err)
			}
			if _, problems := e.check(); len(problems) != 0 {
				// A file whose record is gone, and which is removed next, is no damage.
				for id, err := range problems {
					if !errors.Is(err, attachments.ErrOrphan) {
						t.Errorf("blob %s: %v", id, err)
					}
				}
			}
		}
	})
	for worker := range uint64(4) {
		workers.Go(func() {
			rng := rand.New(rand.NewPCG(worker, 1))
			for range 20 {
				content := noise(sizes[rng.IntN(len(sizes))], rng.Uint64())
				id := e.put(content)
				if got, err := e.get(id, 0, -1); err != nil || !bytes.Equal(got, content) {
					t.Errorf("read %d of %d bytes, %v", len(got), len(content), err)
				}
				if rng.IntN(2) == 0 {
					e.delete(id)
				}
			}
		})
	}
	workers.Wait()
	close(stop)
	sweeper.Wait()
	if _, problems := e.check(); len(problems) != 0 {
		t.Error(problems)
	}
}
