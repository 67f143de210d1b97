package edits_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"settle/attachments"
	"settle/storage/couch"
	"settle/storage/crypt"
	"settle/storage/docjson"
	"settle/storage/edits"
	"settle/storage/kv"
	"settle/storage/schema"
	"settle/storage/spool"
)

// partition is that of the database.
var partition = schema.Partition(16)

// bench is an empty database in memory, as much of one as edits need.
type bench struct {
	t       *testing.T
	kv      kv.Store
	o       edits.Options
	dropped []kv.Partition // spools
}

func newBench(t *testing.T) *bench {
	t.Helper()
	mem := vfs.NewMem()
	store, err := kv.OpenPebble(kv.PebbleOptions{FS: mem, Dir: "data", ReserveBytes: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	keyring, err := crypt.NewKeyring()
	if err != nil {
		t.Fatal(err)
	}
	key, _, err := keyring.NewDatabaseKey(crypt.DatabaseID(partition))
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, kv: store}
	b.o = edits.Options{
		Contents: edits.Contents{
			Key: key, Now: func() time.Time { return time.Date(2026, 3, 1, 12, 30, 0, 0, time.UTC) },
			Blobs: attachments.New(attachments.Options{FS: mem, Root: "blobs"}).Database(partition, key, []byte{schema.KindBlob}),
		},
		View: b.view, Update: b.update,
		CheckID:     func(couch.DocID) error { return nil },
		RemoveFiles: func([]couch.BlobID) {},
		Spool: spool.Options{
			KV: store, Key: key, Limit: spool.Limit{Docs: 100, Bytes: 1 << 20},
			Reserve: func(context.Context) (kv.Partition, error) { return schema.Partition(17), nil },
		},
		DropSpool: func(_ context.Context, p kv.Partition) { b.dropped = append(b.dropped, p) },
	}
	b.must(b.kv.Update(t.Context(), partition, func(tx kv.Tx) error {
		tx.Set(schema.MetaKey(), (&schema.Meta{RevsLimit: 1000, PurgeLimit: 1000}).Encode())
		return nil
	}))
	return b
}

func (b *bench) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

func readMeta(ctx context.Context, r kv.Reader) (*schema.Meta, error) {
	row, err := kv.GetOne(ctx, r, schema.MetaKey())
	if err != nil {
		return nil, err
	}
	return schema.DecodeMeta(row)
}

func (b *bench) view(ctx context.Context, fn func(kv.Reader, *schema.Meta) error) error {
	return b.kv.View(ctx, partition, func(r kv.Reader) error {
		m, err := readMeta(ctx, r)
		if err != nil {
			return err
		}
		return fn(r, m)
	})
}

func (b *bench) update(ctx context.Context, fn func(kv.Tx, *schema.Meta) error, opts ...kv.UpdateOption) error {
	return b.kv.Update(ctx, partition, func(tx kv.Tx) error {
		m, err := readMeta(ctx, tx)
		if err != nil {
			return err
		}
		if err := fn(tx, m); err != nil {
			return err
		}
		tx.Set(schema.MetaKey(), m.Encode())
		return nil
	}, opts...)
}

// doc returns a document: its `_id`, `_rev` and `_revisions` in the text say what it is.
func (b *bench) doc(text string) *couch.Document {
	b.t.Helper()
	p, err := docjson.NewReader(strings.NewReader(text)).Document(docjson.Options{})
	if err != nil {
		b.t.Fatalf("%s: %v", text, err)
	}
	return &couch.Document{ID: p.ID, Deleted: p.Deleted, Revisions: p.Revisions, Body: p.Body}
}

// write writes a batch of one kind.
func (b *bench) write(kind edits.Kind, texts ...string) ([]couch.WriteResult, error) {
	b.t.Helper()
	docs := func(yield func(*couch.Document, error) bool) {
		for _, text := range texts {
			if !yield(b.doc(text), nil) {
				return
			}
		}
	}
	return edits.Write(b.t.Context(), b.o, docs, func() (edits.Kind, error) { return kind, nil })
}

// put writes one document, and returns its revision.
func (b *bench) put(kind edits.Kind, text string) couch.RevID {
	b.t.Helper()
	results, err := b.write(kind, text)
	if err != nil || len(results) != 1 || results[0].Err != nil {
		b.t.Fatalf("%s: %v, %v", text, results, err)
	}
	return results[0].Rev
}

// tree returns what is stored of a document; nil: nothing.
func (b *bench) tree(id couch.DocID) (row *schema.DocRow) {
	b.t.Helper()
	b.must(b.view(b.t.Context(), func(r kv.Reader, _ *schema.Meta) error {
		raw, err := kv.GetOne(b.t.Context(), r, schema.DocKey(id))
		if err != nil || raw == nil {
			return err
		}
		row, err = schema.DecodeDocRow(raw)
		return err
	}))
	return row
}

func (b *bench) meta() (m schema.Meta) {
	b.t.Helper()
	b.must(b.view(b.t.Context(), func(_ kv.Reader, now *schema.Meta) error { m = *now; return nil }))
	return m
}

// leaves returns the leaves of a document, in their order.
func (b *bench) leaves(id couch.DocID) (all []string) {
	b.t.Helper()
	if row := b.tree(id); row != nil {
		for _, leaf := range row.Tree.Leaves() {
			all = append(all, leaf.Rev.String())
		}
	}
	slices.Sort(all)
	return all
}

// revs parses revisions.
func (b *bench) revs(texts ...string) (all []couch.RevID) {
	b.t.Helper()
	for _, text := range texts {
		rev, err := couch.ParseRev(text)
		b.must(err)
		all = append(all, rev)
	}
	return all
}

// results prints what became of a batch: an error, or the generation of a revision.
func results(all []couch.WriteResult) (out []string) {
	for _, r := range all {
		e, isKind := errors.AsType[*couch.Error](r.Err)
		switch {
		case r.Err == nil:
			out = append(out, string(r.ID)+" "+string('0'+rune(r.Rev.Gen)))
		case isKind:
			out = append(out, string(r.ID)+" "+e.Error())
		default:
			out = append(out, string(r.ID)+" "+r.Err.Error())
		}
	}
	return out
}

// content is a new content that counts how often it is discarded.
type content struct{ discarded *int }

func (content) BlobID() couch.BlobID         { return couch.BlobID{1} }
func (content) Open() (io.ReadCloser, error) { return nil, errors.ErrUnsupported }
func (c content) Discard()                   { *c.discarded++ }
