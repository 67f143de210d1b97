package check_test

import (
	"bytes"
	"context"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"settle/storage"
	"settle/storage/check"
	"settle/storage/couch"
	"settle/storage/crypt"
	"settle/storage/kv"
	"settle/storage/revtree"
	"settle/storage/schema"
)

// The partitions of the databases alpha and beta.
var (
	alpha = schema.Partition(schema.FirstDatabase)
	beta  = schema.Partition(schema.FirstDatabase + 1)
)

// store is a sound store, whose rows a test may change.
type store struct {
	t       *testing.T
	fs      vfs.FS
	kv      *kv.Pebble
	keyring *crypt.Keyring
}

const blobDir = "blobs"

// newStore makes two databases. In alpha: "att" with a small attachment and a
// large one, in two revisions; "conf" with two leaves; "gone", deleted; a local
// document; a purge of nothing; the index "x". In beta: "att".
func newStore(t *testing.T) *store {
	t.Helper()
	keyring, err := crypt.NewKeyring()
	if err != nil {
		t.Fatal(err)
	}
	s := &store{t: t, fs: vfs.NewMem(), keyring: keyring}
	if s.kv, err = kv.OpenPebble(kv.PebbleOptions{FS: crypt.NewFS(s.fs, keyring), Dir: "data", ReserveBytes: -1}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.kv.Close() })
	o := storage.Options{KV: s.kv, Keyring: keyring, BlobFS: s.fs, BlobDir: blobDir}
	st, err := storage.Open(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	s.fill(st, "alpha")
	s.fill(st, "beta")
	s.index(st, "alpha", "x")
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *store) fill(st *storage.Store, name string) {
	s.t.Helper()
	ctx := context.Background()
	db, err := st.CreateDatabase(ctx, name, storage.CreateOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	first := s.put(db, &couch.Document{ID: "att", Attachments: []couch.Attachment{
		s.attachment(db, "small", 3), s.attachment(db, "large", 100_000),
	}})
	if name == "beta" {
		return
	}
	s.put(db, &couch.Document{ID: "att", Revisions: couch.PathTo(first), Attachments: []couch.Attachment{
		{Name: "small", Stub: true}, {Name: "large", Stub: true},
	}})
	gone := s.put(db, &couch.Document{ID: "gone"})
	s.put(db, &couch.Document{ID: "gone", Deleted: true, Revisions: couch.PathTo(gone)})
	var branches []*couch.Document
	for _, hash := range []string{"aa", "bb"} {
		path := couch.Revisions{Start: 2, Hashes: []string{hash, "root"}}
		branches = append(branches, &couch.Document{ID: "conf", Revisions: path, Body: couch.Body{Text: []byte(`{"in":"` + hash + `"}`)}})
	}
	if _, err := db.PutRevs(ctx, storage.Docs(branches...)); err != nil {
		s.t.Fatal(err)
	}
	if _, err := db.PutLocal(ctx, &couch.LocalDocument{ID: "_local/x", Body: couch.Body{Text: []byte(`{}`)}}); err != nil {
		s.t.Fatal(err)
	}
	if _, err := db.Purge(ctx, []couch.RevsAsk{{ID: aPurge.ID, Revs: aPurge.Revs}}); err != nil {
		s.t.Fatal(err)
	}
	if err := db.SetSecurity(ctx, []byte(`{}`)); err != nil {
		s.t.Fatal(err)
	}
}

// index makes an index of a row.
func (s *store) index(st *storage.Store, name, index string) {
	s.t.Helper()
	ctx := context.Background()
	db, err := st.Database(ctx, name)
	if err != nil {
		s.t.Fatal(err)
	}
	p, err := db.OpenIndex(ctx, index)
	if err == nil {
		err = db.IndexUpdate(ctx, p, func(tx kv.Tx) error {
			tx.Set([]byte("k"), []byte("v"))
			return nil
		})
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

// put makes an edit, and returns its revision.
func (s *store) put(db *storage.Database, d *couch.Document) couch.RevID {
	s.t.Helper()
	d.Body.Text = []byte(`{"a":1}`)
	results, err := db.BulkDocs(context.Background(), storage.Docs(d))
	if err == nil {
		err = results[0].Err
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return results[0].Rev
}

func (s *store) attachment(db *storage.Database, name string, size int) couch.Attachment {
	s.t.Helper()
	p, err := db.WriteBlob(context.Background(), strings.NewReader(strings.Repeat("x", size)), 0)
	if err != nil {
		s.t.Fatal(err)
	}
	return couch.Attachment{Name: name, ContentType: "text/plain", Length: p.Length(), Digest: p.Digest(), Pending: p}
}

// check runs the check and returns the findings in order, without what is random
// of them: revisions' hashes and blobs' names.
func (s *store) check() (check.Counts, []string) {
	s.t.Helper()
	var found []string
	o := check.Options{KV: s.kv, Keyring: s.keyring, BlobFS: s.fs, BlobDir: blobDir}
	counts, err := check.Run(context.Background(), o, func(f check.Finding) {
		found = append(found, hexDigits.ReplaceAllString(f.String(), "*"))
	})
	if err != nil {
		s.t.Errorf("the check ended early: %v", err)
	}
	slices.Sort(found)
	return counts, found
}

var hexDigits = regexp.MustCompile(`[0-9a-f]{32}`)

// rows returns the rows of a kind.
func (s *store) rows(p kv.Partition, kind byte) []kv.KV {
	s.t.Helper()
	view := func(ctx context.Context, fn func(kv.Reader) error) error { return s.kv.View(ctx, p, fn) }
	var rows []kv.KV
	for row, err := range kv.Pages(context.Background(), view, schema.All(kind)) {
		if err != nil {
			s.t.Fatal(err)
		}
		rows = append(rows, row)
	}
	return rows
}

// row returns a row that must be there.
func (s *store) row(p kv.Partition, key []byte) []byte {
	s.t.Helper()
	for _, row := range s.rows(p, key[0]) {
		if bytes.Equal(row.Key, key) {
			return row.Value
		}
	}
	s.t.Fatalf("partition %x has no row %x", p, key)
	return nil
}

func (s *store) set(p kv.Partition, key, value []byte) {
	s.t.Helper()
	s.write(p, func(tx kv.Tx) { tx.Set(key, value) })
}

// remove removes a row that must be there.
func (s *store) remove(p kv.Partition, key []byte) {
	s.t.Helper()
	s.row(p, key)
	s.write(p, func(tx kv.Tx) { tx.Delete(key) })
}

func (s *store) write(p kv.Partition, fn func(kv.Tx)) {
	s.t.Helper()
	err := s.kv.Update(context.Background(), p, func(tx kv.Tx) error {
		fn(tx)
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

// doc returns a document's row in alpha.
func (s *store) doc(id couch.DocID) *schema.DocRow {
	s.t.Helper()
	doc, err := schema.DecodeDocRow(s.row(alpha, schema.DocKey(id)))
	if err != nil {
		s.t.Fatal(err)
	}
	return doc
}

// setDoc stores a document's row in alpha.
func (s *store) setDoc(id couch.DocID, doc *schema.DocRow) {
	s.t.Helper()
	row, err := doc.Encode()
	if err != nil {
		s.t.Fatal(err)
	}
	s.set(alpha, schema.DocKey(id), row)
}

// setWinner changes the winner's node in the tree of a document of alpha.
func (s *store) setWinner(id couch.DocID, change func(*revtree.Node)) {
	s.t.Helper()
	doc := s.doc(id)
	rev, node, _ := doc.Tree.Winner()
	change(&node)
	doc.Tree.Set(rev, node)
	s.setDoc(id, doc)
}

// setMeta changes the meta row of alpha.
func (s *store) setMeta(change func(*schema.Meta)) {
	s.t.Helper()
	meta, err := schema.DecodeMeta(s.row(alpha, schema.MetaKey()))
	if err != nil {
		s.t.Fatal(err)
	}
	change(meta)
	s.set(alpha, schema.MetaKey(), meta.Encode())
}

// blob returns the blob of an attachment of alpha: the small one is in its row.
func (s *store) blob(large bool) kv.KV {
	s.t.Helper()
	for _, row := range s.rows(alpha, schema.KindBlob) {
		if (s.blobFile(row) != "") == large {
			return row
		}
	}
	s.t.Fatal("there is no such blob")
	return kv.KV{}
}

// blobFile returns the file of a blob, empty where it has none.
func (s *store) blobFile(row kv.KV) string {
	name := couch.BlobID(row.Key[1:]).String()
	var found string
	var walk func(dir string)
	walk = func(dir string) {
		names, _ := s.fs.List(dir)
		for _, n := range names {
			if n == name {
				found = s.fs.PathJoin(dir, n)
			}
			walk(s.fs.PathJoin(dir, n))
		}
	}
	walk(blobDir)
	return found
}
