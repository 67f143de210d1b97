package check_test

import (
	"context"
	"errors"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/go-cmp/cmp"

	"settle/storage/check"
	"settle/storage/couch"
	"settle/storage/kv"
)

func TestSound(t *testing.T) {
	counts, found := newStore(t).check()
	if found != nil {
		t.Errorf("found %q in a sound store", found)
	}
	want := check.Counts{
		Databases: 2, Documents: 3, Deleted: 1, Revisions: 7, LocalDocs: 1, Blobs: 4,
		Bytes: 5*7 + 2*11 + 2*100_003,
	}
	if diff := cmp.Diff(want, counts); diff != "" {
		t.Error(diff)
	}
}

func TestEmpty(t *testing.T) {
	s := newStore(t)
	empty, err := kv.OpenPebble(kv.PebbleOptions{FS: vfs.NewMem(), Dir: "empty", ReserveBytes: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer empty.Close()
	s.kv.Close()
	s.kv = empty
	if counts, found := s.check(); found != nil || counts != (check.Counts{}) {
		t.Errorf("an empty store has %+v, %q", counts, found)
	}
}

// What ends a check early is an error, and no finding.
func TestEndsEarly(t *testing.T) {
	s := newStore(t)
	o := check.Options{KV: s.kv, Keyring: s.keyring, BlobFS: s.fs, BlobDir: blobDir}
	report := func(f check.Finding) { t.Errorf("found %q", f) }
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := check.Run(ctx, o, report); !errors.Is(err, context.Canceled) {
		t.Errorf("with an ended context: %v", err)
	}
	s.kv.Close()
	if _, err := check.Run(context.Background(), o, report); !errors.Is(err, couch.ErrUnavailable) {
		t.Errorf("with a closed engine: %v", err)
	}
}
