package deferred_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/md5"
	"errors"
	"io"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/go-cmp/cmp"

	"settle/attachments"
	"settle/storage/couch"
	"settle/storage/crypt"
	"settle/storage/deferred"
	"settle/storage/kv"
	"settle/storage/schema"
)

var (
	partition = schema.Partition(16)
	errAway   = &couch.Error{Kind: couch.Away}
	errGone   = &couch.Error{Kind: couch.Gone}
)

// bench is an empty database in memory, as much of one as deferred contents need.
type bench struct {
	t        *testing.T
	contents *deferred.Contents
	db       *deferred.DB
	now      time.Time
	removed  []couch.BlobID
	fetches  atomic.Int64
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
	b := &bench{t: t, now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	b.db = &deferred.DB{
		Partition: partition, Key: key,
		Blobs: attachments.New(attachments.Options{FS: mem, Root: "blobs"}).Database(partition, key, []byte{schema.KindBlob}),
		View: func(ctx context.Context, fn func(kv.Reader, *schema.Meta) error) error {
			return store.View(ctx, partition, func(r kv.Reader) error {
				m, err := readMeta(ctx, r)
				if err != nil {
					return err
				}
				return fn(r, m)
			})
		},
		Update: func(ctx context.Context, fn func(kv.Tx, *schema.Meta) error, opts ...kv.UpdateOption) error {
			return store.Update(ctx, partition, func(tx kv.Tx) error {
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
		},
		RemoveFiles: func(ids []couch.BlobID) {
			b.removed = append(b.removed, ids...)
			if err := b.db.Blobs.RemoveFiles(ids...); err != nil {
				t.Error(err)
			}
		},
	}
	b.must(store.Update(t.Context(), partition, func(tx kv.Tx) error { tx.Set(schema.MetaKey(), new(schema.Meta).Encode()); return nil }))
	b.contents = deferred.New(deferred.Options{
		Now:  func() time.Time { return b.now },
		Room: func(r io.Reader) (io.Reader, func()) { return r, func() {} },
	})
	t.Cleanup(b.contents.Close)
	return b
}

func readMeta(ctx context.Context, r kv.Reader) (*schema.Meta, error) {
	row, err := kv.GetOne(ctx, r, schema.MetaKey())
	if err != nil {
		return nil, err
	}
	return schema.DecodeMeta(row)
}

func (b *bench) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

// origin is a function that fetches.
type origin func(ctx context.Context, text []byte, d couch.Deferral) (couch.Incoming, error)

func (o origin) Fetch(ctx context.Context, text []byte, d couch.Deferral) (couch.Incoming, error) {
	return o(ctx, text, d)
}

// gives makes every content that is fetched be this one.
func (b *bench) gives(content string) {
	b.contents.SetOrigin(origin(func(_ context.Context, _ []byte, d couch.Deferral) (couch.Incoming, error) {
		b.fetches.Add(1)
		return couch.Incoming{Body: io.NopCloser(strings.NewReader(content)), Digest: d.Digest}, nil
	}))
}

// deferral is a content at the origin 1.
func deferral(content string) couch.Deferral {
	return couch.Deferral{Origin: couch.OriginID{1}, ID: "doc", Rev: couch.RevID{Gen: 1, Hash: "a"}, Name: "body", Length: int64(len(content)), Digest: md5.Sum([]byte(content))}
}

// postpone makes the database have a content that is at its origin, which is known.
func (b *bench) postpone(d couch.Deferral) *attachments.Blob {
	b.t.Helper()
	row, err := deferred.PutOrigin(b.t.Context(), b.db, d.Origin, []byte("over there"))
	b.must(err)
	p := attachments.NewDeferred(d, row)
	b.must(b.db.Update(b.t.Context(), func(tx kv.Tx, m *schema.Meta) error {
		m.UpdateSeq++
		b.db.Blobs.Defer(tx, p)
		return nil
	}))
	var blob *attachments.Blob
	b.must(b.db.View(b.t.Context(), func(r kv.Reader, _ *schema.Meta) (err error) {
		blob, err = b.db.Blobs.Load(b.t.Context(), r, p.BlobID())
		return err
	}))
	return blob
}

// read reads a range of a content.
func (b *bench) read(ctx context.Context, blob *attachments.Blob, offset, length int64) (string, error) {
	b.t.Helper()
	r, err := b.contents.Open(ctx, b.db, blob, offset, length)
	if err != nil {
		return "", err
	}
	defer r.Close()
	got, err := io.ReadAll(r)
	return string(got), err
}

func (b *bench) meta() (m schema.Meta) {
	b.t.Helper()
	b.must(b.db.View(b.t.Context(), func(_ kv.Reader, now *schema.Meta) error { m = *now; return nil }))
	return m
}

// Each range of a content comes, the first time from its origin, and then from here.
func TestRanges(t *testing.T) {
	content := strings.Repeat("0123456789", 10_000)
	const all = 100_000
	for _, tt := range []struct {
		offset, length int64
		want           string
		err            error
	}{
		{0, -1, content, nil}, {0, all, content, nil}, {0, 0, "", nil}, {0, 1, "0", nil},
		{5, 10, "5678901234", nil}, {all - 3, -1, "789", nil}, {all - 3, 3, "789", nil}, {all, -1, "", nil}, {all, 0, "", nil},
		{-1, 1, "", &couch.Error{Kind: couch.RangeNotSatisfiable}},
		{all + 1, -1, "", &couch.Error{Kind: couch.RangeNotSatisfiable}},
		{all - 3, 4, "", &couch.Error{Kind: couch.RangeNotSatisfiable}},
		{1, 1<<63 - 1, "", &couch.Error{Kind: couch.RangeNotSatisfiable}},
	} {
		b := newBench(t)
		b.gives(content)
		blob := b.postpone(deferral(content))
		for _, state := range []string{"away", "here"} {
			got, err := b.read(t.Context(), blob, tt.offset, tt.length)
			if got != tt.want || !errors.Is(err, tt.err) {
				t.Errorf("%s: %d from %d: %d bytes, %v", state, tt.length, tt.offset, len(got), err)
			}
			if tt.err == nil {
				if digest, err := b.contents.Digest(t.Context(), b.db, blob); err != nil || digest != blob.Deferral().Digest {
					t.Errorf("%s: digest %v, %v", state, digest, err)
				}
			}
		}
		if m := b.meta(); tt.err == nil && (b.fetches.Load() != 1 || m.KeptBytes != all || m.BlobBytes != all || m.Blobs != 1) {
			t.Errorf("%d from %d: %d fetches, %+v", tt.length, tt.offset, b.fetches.Load(), m)
		}
	}
}

func packed(t *testing.T, text string) string {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// What is not the promised content is an error to who reads it, and is not kept; nor is
// the error, so that the next one may have more luck.
func TestWrongContents(t *testing.T) {
	content := strings.Repeat("content ", 1000)
	zipped := packed(t, content)
	plain := couch.Incoming{Digest: md5.Sum([]byte(content))}
	inGzip := couch.Incoming{Digest: md5.Sum([]byte(zipped)), Gzip: true}
	checked := couch.Incoming{Checked: true}
	for _, tt := range []struct {
		name string
		in   couch.Incoming // but for its body
		body io.Reader
		err  error // of Fetch
		want error // nil: it is right
	}{
		{"right", plain, strings.NewReader(content), nil, nil},
		{"right, in gzip", inGzip, strings.NewReader(zipped), nil, nil},
		{"checked elsewhere", checked, strings.NewReader(content), nil, nil},
		{"cut", plain, strings.NewReader(content[:5000]), nil, errAway},
		{"cut, and checked", checked, strings.NewReader(content[:5000]), nil, errAway},
		{"too long", plain, strings.NewReader(content + "x"), nil, errAway},
		{"too long, and checked", checked, strings.NewReader(content + "x"), nil, errAway},
		{"another", plain, strings.NewReader("d" + content[1:]), nil, errAway},
		{"empty", plain, strings.NewReader(""), nil, errAway},
		{"no gzip", inGzip, strings.NewReader(content), nil, errAway},
		{"gzip that is cut", inGzip, strings.NewReader(zipped[:len(zipped)-1]), nil, errAway},
		{"more behind gzip", inGzip, strings.NewReader(zipped + "x"), nil, errAway},
		{"broken off", plain, io.MultiReader(strings.NewReader(content[:5000]), failing{io.ErrUnexpectedEOF}), nil, errAway},
		{"gone while it is read", plain, failing{errGone}, nil, errGone},
		{"gone", plain, nil, errGone, errGone},
		{"a network that fails", plain, nil, io.ErrUnexpectedEOF, errAway},
	} {
		b := newBench(t)
		b.contents.SetOrigin(origin(func(_ context.Context, text []byte, _ couch.Deferral) (couch.Incoming, error) {
			if string(text) != "over there" {
				t.Errorf("%s: the origin is %q", tt.name, text)
			}
			tt.in.Body = io.NopCloser(tt.body)
			return tt.in, tt.err
		}))
		blob := b.postpone(deferral(content))
		r, err := b.contents.Open(t.Context(), b.db, blob, 0, -1)
		b.must(err)
		defer r.Close() // who still holds on to the error keeps it from nobody else
		got, err := io.ReadAll(r)
		if !errors.Is(err, tt.want) || (err == nil) != (string(got) == content) || len(got) > len(content) {
			t.Errorf("%s: %d bytes, %v", tt.name, len(got), err)
		}
		if m := b.meta(); (m.KeptBytes > 0) != (tt.want == nil) {
			t.Errorf("%s: %d bytes are kept", tt.name, m.KeptBytes)
		}
		b.gives(content)
		if got, err := b.read(t.Context(), blob, 0, -1); got != content || err != nil {
			t.Errorf("%s: the next time %d bytes, %v", tt.name, len(got), err)
		}
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestNobodyFetches(t *testing.T) {
	b := newBench(t)
	blob := b.postpone(deferral("content"))
	if _, err := b.read(t.Context(), blob, 0, -1); !errors.Is(err, errAway) {
		t.Errorf("without an origin: %v", err)
	}
	b.gives("content")
	b.must(b.db.Update(t.Context(), func(tx kv.Tx, _ *schema.Meta) error { tx.Delete(schema.OriginKey(couch.OriginID{1})); return nil }))
	if _, err := b.read(t.Context(), blob, 0, -1); !errors.Is(err, errGone) {
		t.Errorf("of an origin that nobody knows: %v", err)
	}
	b.contents.Close()
	if _, err := b.read(t.Context(), blob, 0, -1); !errors.Is(err, couch.ErrUnavailable) {
		t.Errorf("after the end: %v", err)
	}
}

// A content that is asked for for its own sake is nowhere.
func TestCircle(t *testing.T) {
	b := newBench(t)
	var blob *attachments.Blob
	b.contents.SetOrigin(origin(func(ctx context.Context, _ []byte, _ couch.Deferral) (couch.Incoming, error) {
		b.fetches.Add(1)
		_, err := b.read(couch.WithVia(t.Context(), couch.ViaOf(ctx)), blob, 0, -1)
		return couch.Incoming{}, err
	}))
	blob = b.postpone(deferral("content"))
	if _, err := b.read(t.Context(), blob, 0, -1); !errors.Is(err, errGone) || b.fetches.Load() != 1 {
		t.Errorf("%v, after %d fetches", err, b.fetches.Load())
	}
	many := slices.Repeat(couch.Via{"x"}, couch.MaxVia)
	if _, err := b.read(couch.WithVia(t.Context(), many), blob, 0, -1); !errors.Is(err, errAway) {
		t.Errorf("behind too many servers: %v", err)
	}
}

// An origin that gives nothing is not waited for any longer than that.
func TestSilentOrigin(t *testing.T) {
	b := newBench(t)
	b.contents.SetLimits(deferred.Limits{Patience: 20 * time.Millisecond})
	b.contents.SetOrigin(origin(func(ctx context.Context, _ []byte, _ couch.Deferral) (couch.Incoming, error) {
		r, w := io.Pipe()
		context.AfterFunc(ctx, func() { w.CloseWithError(ctx.Err()) })
		return couch.Incoming{Body: r}, nil
	}))
	if _, err := b.read(t.Context(), b.postpone(deferral("content")), 0, -1); !errors.Is(err, errAway) {
		t.Errorf("%v", err)
	}
}

// Where the kept contents become too many, those go that were not read for the longest
// time, and a content that is larger than all that may be is not kept.
func TestKeptIsBounded(t *testing.T) {
	b := newBench(t)
	b.contents.SetLimits(deferred.Limits{Kept: 1000})
	text := strings.Repeat("x", 400)
	b.gives(text)
	read := func(blob *attachments.Blob) {
		b.now = b.now.Add(time.Hour)
		if got, err := b.read(t.Context(), blob, 0, -1); err != nil || got != text {
			t.Fatalf("%d bytes, %v", len(got), err)
		}
	}
	first, second, third := b.postpone(deferral(text)), b.postpone(deferral(text)), b.postpone(deferral(text))
	for _, blob := range []*attachments.Blob{first, second, first, third} { // of three the second goes
		read(blob)
	}
	if m := b.meta(); m.KeptBytes != 800 || len(b.removed) != 1 || b.fetches.Load() != 3 {
		t.Errorf("%d bytes are kept, files removed: %d, fetches: %d", m.KeptBytes, len(b.removed), b.fetches.Load())
	}
	read(first)
	read(third)
	if n := b.fetches.Load(); n != 3 {
		t.Errorf("%d fetches for what is kept", n)
	}
	read(second)
	if n := b.fetches.Load(); n != 4 {
		t.Errorf("%d fetches with one for what was dropped", n)
	}
	text = strings.Repeat("y", 1001)
	b.gives(text)
	before := b.meta()
	read(b.postpone(deferral(text)))
	before.UpdateSeq++
	if diff := cmp.Diff(before, b.meta()); diff != "" {
		t.Errorf("a content that is too large (-before +after):\n%s", diff)
	}
}

// Who still reads a kept content when it is dropped has the rest of it fetched again.
func TestDroppedWhileRead(t *testing.T) {
	b := newBench(t)
	const enough = 1000
	var views atomic.Int64
	view := b.db.View
	b.db.View = func(ctx context.Context, fn func(kv.Reader, *schema.Meta) error) error {
		if views.Add(1) > enough {
			return errors.New("it is looked up again and again")
		}
		return view(ctx, fn)
	}
	content := strings.Repeat("0123456789", 20_000)
	b.contents.SetLimits(deferred.Limits{Kept: int64(len(content))})
	b.gives(content)
	first, second := b.postpone(deferral(content)), b.postpone(deferral(content))
	r, err := b.contents.Open(t.Context(), b.db, first, 0, -1)
	b.must(err)
	defer r.Close()
	_, err = b.contents.Digest(t.Context(), b.db, first) // behind it the content is kept
	b.must(err)
	if _, err := b.read(t.Context(), second, 0, -1); err != nil || len(b.removed) != 1 {
		t.Fatalf("files removed: %d, %v", len(b.removed), err)
	}
	if got, err := io.ReadAll(r); err != nil || string(got) != content {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if n := b.fetches.Load(); n != 3 {
		t.Errorf("%d fetches", n)
	}
}

func TestOrigins(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()
	if _, err := deferred.PutOrigin(ctx, b.db, couch.OriginID{9}, make([]byte, schema.MaxOrigin+1)); !errors.Is(err, &couch.Error{Kind: couch.RequestTooLarge}) {
		t.Errorf("a long description: %v", err)
	}
	used, unused := deferral("content"), couch.OriginID{2}
	b.postpone(used)
	_, err := deferred.PutOrigin(ctx, b.db, unused, []byte("nowhere"))
	b.must(err)
	for range 2 { // the second time there is nothing to do
		b.must(deferred.DropOrigins(ctx, b.db))
		found := map[couch.OriginID]string{}
		b.must(b.db.View(ctx, func(r kv.Reader, _ *schema.Meta) error {
			for row, err := range r.Scan(ctx, schema.All(schema.KindOrigin)) {
				if err != nil {
					return err
				}
				id, _ := schema.ParseOriginKey(row.Key)
				text, err := schema.OpenOrigin(b.db.Key, id, row.Value)
				if err != nil {
					return err
				}
				found[id] = string(text)
			}
			return nil
		}))
		if diff := cmp.Diff(map[couch.OriginID]string{used.Origin: "over there"}, found); diff != "" {
			t.Errorf("origins (-want +got):\n%s", diff)
		}
	}
}

// Who does not read on in what is not kept gives up its room when others wait for it, and
// is told so; one that nobody waits for does not.
func TestIdleReaders(t *testing.T) {
	content := strings.Repeat("0123456789", 20_000)
	b := newBench(t)
	b.gives(content)
	b.contents.SetLimits(deferred.Limits{Kept: 1, Fetching: int64(len(content)), Patience: 3 * time.Second})
	idle, err := b.contents.Open(t.Context(), b.db, b.postpone(deferral(content)), 0, -1)
	b.must(err)
	defer idle.Close()
	_, err = io.ReadFull(idle, make([]byte, 10))
	b.must(err)
	time.Sleep(7 * time.Second) // more than its patience
	if _, err := io.ReadFull(idle, make([]byte, 10)); err != nil {
		t.Errorf("while nobody waits: %v", err)
	}
	other := b.postpone(deferral(content))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if got, err := b.read(ctx, other, 0, -1); got != content || err != nil {
		t.Errorf("who waits: %d bytes, %v", len(got), err)
	}
	if rest, err := io.ReadAll(idle); !errors.Is(err, errAway) {
		t.Errorf("who was idle: %d bytes, %v", len(rest), err)
	}
	b.must(idle.Close())
	if m := b.meta(); m.KeptBytes != 0 {
		t.Errorf("%d bytes are kept", m.KeptBytes)
	}
}

// A kept content that is dropped just before it is opened is fetched again.
func TestDroppedBeforeItIsOpened(t *testing.T) {
	b := newBench(t)
	content := strings.Repeat("0123456789", 20_000)
	b.contents.SetLimits(deferred.Limits{Kept: int64(len(content))})
	b.gives(content)
	first, second := b.postpone(deferral(content)), b.postpone(deferral(content))
	if _, err := b.read(t.Context(), first, 0, -1); err != nil {
		t.Fatal(err)
	}
	view, isOpened := b.db.View, true
	b.db.View = func(ctx context.Context, fn func(kv.Reader, *schema.Meta) error) error {
		err := view(ctx, fn)
		if isOpened {
			isOpened = false
			if _, err := b.read(t.Context(), second, 0, -1); err != nil || len(b.removed) != 1 {
				t.Errorf("files removed: %d, %v", len(b.removed), err)
			}
		}
		return err
	}
	if got, err := b.read(t.Context(), first, 0, -1); err != nil || got != content {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if n := b.fetches.Load(); n != 3 {
		t.Errorf("%d fetches", n)
	}
}
