package blobrefs_test

import (
	"context"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/go-cmp/cmp"

	"settle/storage/blobrefs"
	"settle/storage/couch"
	"settle/storage/kv"
	"settle/storage/schema"
)

var partition = schema.Partition(16)

// ref is a reference to blob n, of a document that has one revision.
func ref(n byte, id string) schema.Ref {
	return schema.Ref{Blob: couch.BlobID{n}, ID: couch.DocID(id), Rev: couch.RevID{Gen: 1, Hash: "a"}}
}

// A blob is unused when the transaction ends the last of its references.
func TestUnused(t *testing.T) {
	store, err := kv.OpenPebble(kv.PebbleOptions{FS: vfs.NewMem(), Dir: "data", ReserveBytes: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	ctx := context.Background()
	transact := func(add, end []schema.Ref) (unused []blobrefs.Blob) {
		t.Helper()
		err := store.Update(ctx, partition, func(tx kv.Tx) (err error) {
			var r blobrefs.Refs
			for _, ref := range add {
				r.Add(tx, ref)
			}
			for _, ref := range end {
				r.End(tx, ref, 100+int64(ref.Blob[0]))
			}
			unused, err = r.Unused(ctx, tx)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return unused
	}
	for _, step := range []struct {
		name     string
		add, end []schema.Ref
		want     []blobrefs.Blob
	}{
		{"new ones", []schema.Ref{ref(1, "x"), ref(1, "y"), ref(2, "x"), ref(3, "x")}, nil, nil},
		{"one of two", nil, []schema.Ref{ref(1, "x")}, nil},
		{"the only one, and a new one", []schema.Ref{ref(2, "z")}, []schema.Ref{ref(2, "x")}, nil},
		{"that and others", nil, []schema.Ref{ref(3, "x"), ref(2, "z"), ref(1, "y")}, []blobrefs.Blob{
			{couch.BlobID{1}, 101}, {couch.BlobID{2}, 102}, {couch.BlobID{3}, 103},
		}},
		{"of its own", []schema.Ref{ref(4, "x")}, []schema.Ref{ref(4, "x")}, []blobrefs.Blob{{couch.BlobID{4}, 104}}},
		{"one of its own two", []schema.Ref{ref(5, "x"), ref(5, "y")}, []schema.Ref{ref(5, "x")}, nil},
		{"the other one", nil, []schema.Ref{ref(5, "y")}, []blobrefs.Blob{{couch.BlobID{5}, 105}}},
	} {
		if diff := cmp.Diff(step.want, transact(step.add, step.end)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step.name, diff)
		}
	}
	left, err := store.Partitions(ctx, kv.Partition{}, 10)
	if err != nil || len(left) != 0 {
		t.Errorf("%v are left, %v", left, err)
	}
}
