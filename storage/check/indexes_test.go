package check_test

import (
	"context"
	"iter"
	"testing"

	"github.com/google/go-cmp/cmp"

	"settle/storage/check"
	"settle/storage/kv"
)

// torn is an engine that finds damage in one partition, behind as many rows of a scan.
type torn struct {
	kv.Store
	partition kv.Partition
	behind    int
}

func (s torn) View(ctx context.Context, p kv.Partition, fn func(kv.Reader) error) error {
	return s.Store.View(ctx, p, func(r kv.Reader) error {
		if p == s.partition {
			r = tornReader{r, s.behind}
		}
		return fn(r)
	})
}

type tornReader struct {
	kv.Reader
	behind int
}

func (r tornReader) GetMulti(ctx context.Context, keys ...[]byte) ([][]byte, error) {
	if r.behind == 0 {
		return nil, kv.ErrCorrupt
	}
	return r.Reader.GetMulti(ctx, keys...)
}

func (r tornReader) Scan(ctx context.Context, in kv.Range) iter.Seq2[kv.KV, error] {
	return func(yield func(kv.KV, error) bool) {
		n := 0
		for row, err := range r.Reader.Scan(ctx, in) {
			if n == r.behind {
				break
			}
			if n++; !yield(row, err) {
				return
			}
		}
		yield(kv.KV{}, kv.ErrCorrupt)
	}
}

// Every row of an index is read, and one that cannot be is no reason to stop.
func TestTornIndex(t *testing.T) {
	for _, behind := range []int{0, 1, 2} { // the head, and the one row
		s := newStore(t)
		var found []string
		o := check.Options{KV: torn{s.kv, anIndex, behind}, Keyring: s.keyring, BlobFS: s.fs, BlobDir: blobDir}
		counts, err := check.Run(t.Context(), o, func(f check.Finding) { found = append(found, f.String()) })
		if err != nil || counts.Databases != 2 {
			t.Errorf("behind %d rows: %v, %d databases", behind, err, counts.Databases)
		}
		if diff := cmp.Diff([]string{`alpha: index "x" cannot be read: kv: stored data is damaged`}, found); diff != "" {
			t.Errorf("behind %d rows: %s", behind, diff)
		}
	}
}
