package attachments_test

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/go-cmp/cmp"

	"settle/attachments"
	"settle/storage/couch"
	"settle/storage/kv"
)

func TestSweep(t *testing.T) {
	e := newEnv(t, vfs.NewMem())
	if swept, err := e.store.Sweep(t.Context(), e.existing); err != nil || swept != (attachments.Swept{}) {
		t.Errorf("of nothing: %+v, %v", swept, err)
	}
	content := noise(100_000, 1)
	kept := e.put(content)
	gone := e.put(content)
	e.update(func(tx kv.Tx) { must(e, e.blobs.Delete(e.Context(), tx, gone)) }) // and no RemoveFiles
	uncommitted := e.write(content)
	uncommitted.Committed() // what a process leaves that has ended here
	inFlight := e.write(content)

	foreign := []string{
		root + "/lost+found/x",
		root + "/0000000000000010/readme",
		root + "/0000000000000010/ab/" + couch.BlobID{0xcd}.String(), // not in its directory
		root + "/0000000000000010/ab/AB000000000000000000000000000000",
	}
	for _, path := range foreign {
		e.writeFile(path, []byte("x"))
	}
	e.writeFile(root+"/00000000000000ff/ab/"+couch.BlobID{0xab}.String(), []byte("x")) // of no database

	swept, err := e.store.Sweep(t.Context(), e.existing)
	must(t, err)
	if want := (attachments.Swept{Files: 2, Databases: 1}); swept != want {
		t.Errorf("swept %+v, want %+v", swept, want)
	}
	left := map[string]bool{}
	for _, path := range e.files() {
		left[path] = true
	}
	want := map[string]bool{e.path(kept): true, e.path(inFlight.BlobID()): true}
	for _, path := range foreign {
		want[path] = true
	}
	if diff := cmp.Diff(want, left); diff != "" {
		t.Error(diff)
	}
	e.commit(inFlight)
	for _, id := range []couch.BlobID{kept, inFlight.BlobID()} {
		if got, err := e.get(id, 0, -1); err != nil || !bytes.Equal(got, content) {
			t.Errorf("blob %s: %v", id, err)
		}
	}
}

func TestSweepErrors(t *testing.T) {
	e := newEnv(t, vfs.NewMem())
	id := e.put(noise(100_000, 1))
	for call := range 2 {
		n := 0
		_, err := e.store.Sweep(t.Context(), func(_ context.Context, _ kv.Partition, ids []couch.BlobID) ([]bool, error) {
			if n++; n > call {
				return nil, errTest
			}
			return make([]bool, len(ids)), nil
		})
		if !errors.Is(err, errTest) {
			t.Errorf("call %d fails: error %v", call, err)
		}
	}
	// A database that is dropped between the two calls is none of Sweep's errors.
	_, err := e.store.Sweep(t.Context(), func(_ context.Context, _ kv.Partition, ids []couch.BlobID) ([]bool, error) {
		if len(ids) > 0 {
			return nil, couch.ErrDatabaseMissing
		}
		return nil, nil
	})
	must(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := e.store.Sweep(ctx, e.existing); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if _, err := e.get(id, 0, -1); err != nil {
		t.Error(err)
	}
}

func TestDropDatabase(t *testing.T) {
	e := newEnv(t, vfs.NewMem())
	for i := range uint64(100) {
		e.put(noise(40_000, i))
	}
	other := e.store.Database(kv.Partition{1}, e.key, prefix)
	p, err := other.Write(t.Context(), bytes.NewReader(noise(100_000, 3)), 0)
	must(t, err)
	must(t, e.store.DropDatabase(partition))
	if files := e.files(); len(files) != 1 {
		t.Errorf("left %v", files)
	}
	must(t, e.store.DropDatabase(partition))
	p.Discard()
	// The store knows that the directories are gone, all of them.
	for i := range uint64(100) {
		if _, err := e.get(e.put(noise(40_000, i)), 0, -1); err != nil {
			t.Fatal(err)
		}
	}
}

// An upload into a database that no longer exists keeps its directory until it ends.
func TestSweepSparesUploadsOfDroppedDatabases(t *testing.T) {
	e := newEnv(t, vfs.NewMem())
	other := e.store.Database(kv.Partition{1}, e.key, prefix)
	p, err := other.Write(t.Context(), bytes.NewReader(noise(100_000, 3)), 0)
	must(t, err)
	swept, err := e.store.Sweep(t.Context(), e.existing)
	if err != nil || swept.Databases != 0 {
		t.Errorf("swept %+v, %v", swept, err)
	}
	p.Discard()
	swept, err = e.store.Sweep(t.Context(), e.existing)
	if err != nil || swept.Databases != 1 {
		t.Errorf("swept %+v, %v", swept, err)
	}
}
