package view_test

import (
	"bytes"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"

	"settle/storage/check"
	"settle/storage/kv"
	"settle/storage/view"
)

// signature is what an index is named by.
var signature = regexp.MustCompile(`view/[0-9a-f]+`)

// stored is the partition of an index, whose rows a test may change.
type stored struct {
	*bench
	p kv.Partition
}

// withViews makes an index of two views, which have two rows each.
func withViews(t *testing.T) *stored {
	t.Helper()
	b := newBench(t, false)
	b.put([2]string{"one", `{"a":1}`}, [2]string{"two", `{"a":2}`}, [2]string{"three", `{}`})
	d, refs := view.ParseDesign([]byte(`{"language":"query","views":{
		"a":{"map":{"fields":{"a":"asc"}},"options":{"def":{"fields":["a"]}}},
		"b":{"map":{"fields":{"a":"asc","_id":"asc"}},"options":{"def":{"fields":["a","_id"]}}}}}`), false)
	index, err := b.indexes.Open(b.db, d, "_design/d")
	if err != nil {
		t.Fatal(err)
	}
	if n, err := index.Count(ctx, refs["a"], &view.Query{}); err != nil || n != 2 {
		t.Fatalf("the view has %d rows, %v", n, err)
	}
	p, err := b.db.OpenIndex(ctx, "view/"+index.Signature())
	if err != nil {
		t.Fatal(err)
	}
	return &stored{b, p}
}

// first returns the key of the first row that begins so.
func (s *stored) first(prefix ...byte) (key []byte) {
	s.t.Helper()
	err := s.kv.View(ctx, s.p, func(r kv.Reader) error {
		for row, err := range r.Scan(ctx, kv.Range{Lo: prefix, Limit: 1}) {
			if err != nil {
				return err
			}
			key = bytes.Clone(row.Key)
		}
		return nil
	})
	if err != nil || !bytes.HasPrefix(key, prefix) {
		s.t.Fatalf("the first row behind %x is %x, %v", prefix, key, err)
	}
	return key
}

// write changes rows behind the index's back.
func (s *stored) write(fn func(kv.Tx)) {
	s.t.Helper()
	err := s.kv.Update(ctx, s.p, func(tx kv.Tx) error {
		fn(tx)
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

// check returns what a check of the store finds.
func (b *bench) check() (found []string) {
	b.t.Helper()
	o := check.Options{KV: b.kv, Keyring: b.keyring, BlobFS: b.fs, BlobDir: b.fs.PathJoin(b.dir, "blobs")}
	_, err := check.Run(ctx, o, func(f check.Finding) { found = append(found, signature.ReplaceAllString(f.String(), "view/*")) })
	if err != nil {
		b.t.Fatal(err)
	}
	return found
}

// A check of the store holds a view's rows against those that the index remembers of its
// documents.
func TestCheckOfRows(t *testing.T) {
	const two = `, and its documents name 2`
	for _, test := range []struct {
		name string
		do   func(*stored)
		want []string
	}{
		{"nothing", func(*stored) {}, nil},
		{"a missing row", func(s *stored) {
			key := s.first('v', 0, 1, 0)
			s.write(func(tx kv.Tx) { tx.Delete(key) })
		}, []string{`alpha: index "view/*" has 1 rows in its view 1` + two}},
		{"a row too many", func(s *stored) {
			key := s.first('v', 0, 0, 0)
			s.write(func(tx kv.Tx) { tx.Set(append(key, 0), nil) })
		}, []string{`alpha: index "view/*" has 3 rows in its view 0` + two}},
		{"a view without rows", func(s *stored) {
			s.write(func(tx kv.Tx) { tx.DeleteRange([]byte{'v', 0, 1, 0}, []byte{'v', 0, 1, 1}) })
		}, []string{`alpha: index "view/*" has 0 rows in its view 1` + two}},
		{"a forgotten document", func(s *stored) {
			key := s.first('d')
			s.write(func(tx kv.Tx) { tx.Delete(key) })
		}, []string{
			`alpha: index "view/*" has 2 rows in its view 0, and its documents name 1`,
			`alpha: index "view/*" has 2 rows in its view 1, and its documents name 1`,
		}},
		{"a document that is cut", func(s *stored) {
			key := s.first('d')
			s.write(func(tx kv.Tx) { tx.Set(key, []byte{1, 0, 0, 1, 99}) })
		}, []string{`alpha: index "view/*" has a row that cannot be read`}},
		{"another version", func(s *stored) {
			key := s.first('d')
			s.write(func(tx kv.Tx) { tx.Set(key, []byte{9}) })
		}, []string{`alpha: index "view/*" has a row that cannot be read`}},
		{"a stranger", func(s *stored) {
			s.write(func(tx kv.Tx) { tx.Set([]byte("z"), nil) })
		}, []string{`alpha: index "view/*" has a row that cannot be read`}},
	} {
		s := withViews(t)
		test.do(s)
		if diff := cmp.Diff(test.want, s.check()); diff != "" {
			t.Errorf("%s: %s", test.name, diff)
		}
	}
}
