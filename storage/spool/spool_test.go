package spool_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/go-cmp/cmp"

	"settle/storage/couch"
	"settle/storage/crypt"
	"settle/storage/kv"
	"settle/storage/schema"
	"settle/storage/spool"
)

var partition = schema.Partition(17)

// content is a new content, known by its number.
type content int

func (c content) BlobID() couch.BlobID       { return couch.BlobID{byte(c)} }
func (content) Discard()                     {}
func (content) Open() (io.ReadCloser, error) { return nil, errors.ErrUnsupported }

// newSpool returns a spool that keeps nothing in memory.
func newSpool(t *testing.T) (*spool.Spool, *kv.Pebble) {
	return newSpoolOf(t, spool.Limit{Docs: 100, Bytes: 0})
}

func newSpoolOf(t *testing.T, limit spool.Limit) (*spool.Spool, *kv.Pebble) {
	t.Helper()
	store, err := kv.OpenPebble(kv.PebbleOptions{FS: vfs.NewMem(), Dir: "data", ReserveBytes: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	keyring, err := crypt.NewKeyring()
	if err != nil {
		t.Fatal(err)
	}
	key, _, err := keyring.NewDatabaseKey(crypt.DatabaseID(schema.Partition(16)))
	if err != nil {
		t.Fatal(err)
	}
	reserve := func(context.Context) (kv.Partition, error) { return partition, nil }
	return spool.New(spool.Options{KV: store, Key: key, Limit: limit, Reserve: reserve}), store
}

// read returns what the spool holds.
func read(s *spool.Spool) (all []spool.Entry, err error) {
	for chunk, err := range s.Chunks(context.Background()) {
		if err != nil {
			return all, err
		}
		all = append(all, chunk...)
	}
	return all, nil
}

// What goes in comes out sorted, with its new contents, as often as it is read;
// more may go in between.
func TestSpool(t *testing.T) {
	for _, limit := range []spool.Limit{{Docs: 100, Bytes: 0}, {Docs: 300, Bytes: 1 << 20}, {Docs: 5000, Bytes: 1 << 30}} {
		s, _ := newSpoolOf(t, limit)
		testSpool(t, s)
		if _, spilled := s.Partition(); spilled != (limit.Bytes <= 1<<20) || s.Many() != spilled {
			t.Errorf("%+v: spilled %v, many %v", limit, spilled, s.Many())
		}
	}
}

func testSpool(t *testing.T, s *spool.Spool) {
	t.Helper()
	if all, err := read(s); len(all) > 0 || err != nil {
		t.Errorf("an empty spool has %v, %v", all, err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	var want []spool.Entry
	for place := range 2500 {
		d := &couch.Document{
			ID: couch.DocID(fmt.Sprintf("id\x00%d", rng.IntN(500))), Deleted: place%3 == 0,
			Revisions: couch.Revisions{Start: 1, Hashes: []string{"a"}},
			Body:      couch.Body{Text: fmt.Appendf(nil, `{"place":%d,"noise":"%x"}`, place, noise(rng)), Term: []byte("term")},
		}
		if place%5 == 0 {
			d.Attachments = []couch.Attachment{{Name: "kept", Stub: true}, {Name: "new", Pending: content(place % 256)}}
		}
		if err := s.Add(context.Background(), spool.Entry{Place: place, Doc: d}); err != nil {
			t.Fatal(err)
		}
		want = append(want, spool.Entry{Place: place, Doc: d})
		if place != 1200 && place != 2499 {
			continue
		}
		sorted := slices.Clone(want)
		slices.SortStableFunc(sorted, func(a, b spool.Entry) int { return strings.Compare(string(a.Doc.ID), string(b.Doc.ID)) })
		for range 2 {
			got, err := read(s)
			if err != nil || !reflect.DeepEqual(sorted, got) {
				t.Fatalf("%v (-want +got):\n%s", err, cmp.Diff(sorted, got))
			}
		}
	}
}

// noise makes rows that fill several portions.
func noise(rng *rand.Rand) []byte {
	b := make([]byte, 700)
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	return b
}

// Chunks are as large as they may be, and cut within one id only where they must.
func TestChunks(t *testing.T) {
	for _, tt := range []struct {
		ids   string
		limit spool.Limit
		want  string
	}{
		{"", spool.Limit{Docs: 2, Bytes: 1 << 20}, ""},
		{"abcde", spool.Limit{Docs: 2, Bytes: 1 << 20}, "ab cd e"},
		{"abbbc", spool.Limit{Docs: 2, Bytes: 1 << 20}, "abbb c"},
		{"aaaaaaab", spool.Limit{Docs: 2, Bytes: 1 << 20}, "aaaa aaa b"},
		{"abc", spool.Limit{Docs: 9, Bytes: 1}, "a b c"},
		{"abc", spool.Limit{Docs: 9, Bytes: 1000}, "ab c"}, // 515 bytes each
		{"cabab", spool.Limit{Docs: 9, Bytes: 1 << 20}, "aabbc"},
	} {
		s, _ := newSpoolOf(t, tt.limit)
		for i, id := range tt.ids {
			d := &couch.Document{ID: couch.DocID(string(id)), Body: couch.Body{Text: []byte(`{}`)}}
			if err := s.Add(context.Background(), spool.Entry{Place: i, Doc: d}); err != nil {
				t.Fatal(err)
			}
		}
		var got []string
		for chunk, err := range s.Chunks(context.Background()) {
			if err != nil {
				t.Fatal(err)
			}
			var ids string
			for _, e := range chunk {
				ids += string(e.Doc.ID)
			}
			got = append(got, ids)
		}
		if got := strings.Join(got, " "); got != tt.want {
			t.Errorf("%q with %+v is %q, want %q", tt.ids, tt.limit, got, tt.want)
		}
	}
}

// A row that was changed, moved, or is of contents that nobody knows, is corrupt.
func TestDamage(t *testing.T) {
	set := func(t *testing.T, store kv.Store, k, v []byte) {
		t.Helper()
		err := store.Update(context.Background(), partition, func(tx kv.Tx) error {
			tx.Set(k, v)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	key := schema.SpoolKey("a", 0)
	for name, damage := range map[string]func(t *testing.T, store kv.Store, row []byte){
		"changed":       func(t *testing.T, store kv.Store, row []byte) { row[len(row)/2] ^= 1; set(t, store, key, row) },
		"moved":         func(t *testing.T, store kv.Store, row []byte) { set(t, store, schema.SpoolKey("b", 0), row) },
		"malformed key": func(t *testing.T, store kv.Store, row []byte) { set(t, store, []byte("a"), row) },
	} {
		t.Run(name, func(t *testing.T) {
			s, store := newSpool(t)
			d := &couch.Document{ID: "a", Body: couch.Body{Text: []byte(`{}`)}, Attachments: []couch.Attachment{{Name: "new", Pending: content(1)}}}
			if err := s.Add(context.Background(), spool.Entry{Place: 0, Doc: d}); err != nil {
				t.Fatal(err)
			}
			if _, err := read(s); err != nil {
				t.Fatal(err)
			}
			var row []byte
			err := store.View(context.Background(), partition, func(r kv.Reader) error {
				rows, err := r.GetMulti(context.Background(), key)
				row = slices.Clone(rows[0])
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			damage(t, store, row)
			if _, err := read(s); !errors.Is(err, couch.ErrCorrupt) {
				t.Errorf("%v, want an error of corruption", err)
			}
		})
	}
}

// Errors of the engine are the domain's.
func TestClosedEngine(t *testing.T) {
	s, store := newSpool(t)
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Add(context.Background(), spool.Entry{Place: 0, Doc: &couch.Document{ID: "a", Body: couch.Body{Text: []byte(`{}`)}}}); err != nil {
		t.Errorf("what is kept in memory: %v", err)
	}
	if _, err := read(s); !errors.Is(err, couch.ErrUnavailable) {
		t.Errorf("%v, want that the engine is not available", err)
	}
}
