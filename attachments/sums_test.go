package attachments_test

import (
	"bytes"
	"io"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/go-cmp/cmp"

	"settle/attachments"
)

// A content that comes no further holds at most one of the places in which chunks of all
// contents wait for their sums, which then are right.
func TestSpareSums(t *testing.T) {
	e := newEnv(t, vfs.NewMem())
	content := noise(6<<20, 3)
	at, on := make(chan struct{}), make(chan struct{})
	written := make(chan *attachments.Pending, 1)
	go func() {
		p, err := e.blobs.Write(t.Context(), io.MultiReader(bytes.NewReader(content), pause{at, on}, bytes.NewReader(content)), 0)
		if err != nil {
			t.Error(err)
		}
		written <- p
	}()
	<-at
	for begun := time.Now(); e.store.SpareSums() > 1; time.Sleep(time.Millisecond) {
		if time.Since(begun) > 30*time.Second {
			t.Errorf("it holds %d places", e.store.SpareSums())
			break
		}
	}
	close(on)
	p := <-written
	if p == nil {
		return
	}
	defer p.Discard()
	if diff := cmp.Diff(digest(append(content, content...)), p.Digest()); diff != "" {
		t.Error(diff)
	}
	if n := e.store.SpareSums(); n != 0 {
		t.Errorf("%d places are held at the end", n)
	}
}
