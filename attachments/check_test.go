package attachments_test

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"settle/attachments"
	"settle/storage/couch"
	"settle/storage/kv"
)

func TestCheckPages(t *testing.T) {
	e := newEnv(t, vfs.NewMem())
	var bytesWritten int64
	e.update(func(tx kv.Tx) {
		for i := range 600 {
			p := e.write(noise(i*20, uint64(i)))
			bytesWritten += p.Length()
			p.Commit(tx)
			p.Committed()
		}
	})
	// Rows of others, in front of the records and behind them.
	e.update(func(tx kv.Tx) { tx.Set([]byte("Z"), nil); tx.Set([]byte("b"), nil) })
	checked, problems := e.check()
	if want := (attachments.Checked{Blobs: 600, Bytes: bytesWritten}); checked != want || len(problems) != 0 {
		t.Errorf("checked %+v, want %+v, %v", checked, want, problems)
	}
}

func TestCheckFindsOrphans(t *testing.T) {
	e := newEnv(t, vfs.NewMem())
	e.put(noise(100_000, 1))
	orphan := e.write(noise(100_000, 1))
	if _, problems := e.check(); len(problems) != 0 {
		t.Errorf("in flight: %v", problems)
	}
	orphan.Committed()
	_, problems := e.check()
	if len(problems) != 1 || problems[orphan.BlobID()] != attachments.ErrOrphan {
		t.Errorf("Check found %v", problems)
	}
}

func TestCheckFindsMalformedKeys(t *testing.T) {
	e := newEnv(t, vfs.NewMem())
	id := e.put([]byte("hello"))
	e.update(func(tx kv.Tx) { tx.Set(append(append(bytes.Clone(prefix), id[:]...), 0), nil) })
	checked, problems := e.check()
	if checked.Blobs != 2 || len(problems) != 1 || !errors.Is(problems[couch.BlobID{}], couch.ErrCorrupt) {
		t.Errorf("checked %+v, %v", checked, problems)
	}
}

// A blob that is deleted between the reading of its record and of its file is
// no problem.
func TestCheckBesideDeletion(t *testing.T) {
	e := newEnv(t, vfs.NewMem())
	id := e.put(noise(100_000, 1))
	views := 0
	view := func(ctx context.Context, fn func(kv.Reader) error) error {
		err := e.view(ctx, fn)
		if views++; views == 1 {
			e.delete(id)
		}
		return err
	}
	_, err := e.blobs.Check(t.Context(), view, func(p attachments.Problem) { t.Errorf("problem %v", p) })
	must(t, err)
}

func TestCheckErrors(t *testing.T) {
	e := newEnv(t, vfs.NewMem())
	e.put(noise(100_000, 1))
	none := func(p attachments.Problem) { t.Errorf("problem %v", p) }
	for call := range 2 {
		n := 0
		_, err := e.blobs.Check(t.Context(), func(ctx context.Context, fn func(kv.Reader) error) error {
			if n++; n > call {
				return errTest
			}
			return e.view(ctx, fn)
		}, none)
		if !errors.Is(err, errTest) {
			t.Errorf("view %d fails: error %v", call, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	view := func(_ context.Context, fn func(kv.Reader) error) error {
		defer cancel()
		return e.view(t.Context(), fn)
	}
	if _, err := e.blobs.Check(ctx, view, none); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}
