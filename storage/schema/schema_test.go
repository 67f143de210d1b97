package schema_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"settle/storage/couch"
	"settle/storage/crypt"
	"settle/storage/kv"
	"settle/storage/revtree"
	"settle/storage/schema"
)

// Keys as they are on disk, byte by byte.
func TestKeys(t *testing.T) {
	rev := couch.RevID{Gen: 2, Hash: "ab"}
	blob := couch.BlobID{0: 0xb1, 15: 0xb2}
	tests := []struct {
		name string
		key  []byte
		want string // hexadecimal
	}{
		{"counter", schema.CounterKey(), "63"},
		{"name", schema.NameKey("db"), "6e6462"},
		{"unready", schema.UnreadyKey(schema.Partition(16)), "750000000000000010"},
		{"meta", schema.MetaKey(), "6d"},
		{"security", schema.SecurityKey(), "79"},
		{"document", schema.DocKey("a\x00"), "646100"},
		{"local document", schema.LocalKey("_local/x"), "6c5f6c6f63616c2f78"},
		{"index", schema.IndexKey("x"), "6978"},
		{"head of an index", schema.IndexHeadKey(), "00"},
		{"hour", schema.TimeKey(258), "740000000000000102"},
		{"sequence", schema.SeqKey(258), "730000000000000102"},
		{"sequence block", schema.SeqBlock{Level: 1, N: 3}.Key(), "6e010000000000000003"},
		{"purge", schema.PurgeKey(258), "700000000000000102"},
		{"purged", schema.NewPurgeRow("a", []couch.RevID{rev, {Gen: 1, Hash: "\x00"}}).PurgedKey(3),
			"71610001" + "010000000000000001" + "00ff0001" + "010000000000000002" + "61620001" + "000000000000000003"},
		{"body", schema.BodyKey("a\x00", rev), "626100ff0001" + "0000000000000002" + "6162"},
		{"blob of a leaf", schema.LeafBlobKey(blob, "a\x00"), "76b10000000000000000000000000000b2" + "6100"},
		{"reference", schema.RefKey(blob, "a", rev), "72b10000000000000000000000000000b2" + "610001" + "0000000000000002" + "6162"},
	}
	for _, tt := range tests {
		if got := hex.EncodeToString(tt.key); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

// Rows as they are on disk, byte by byte.
func TestRows(t *testing.T) {
	tree := treeOf(t)
	doc, err := schema.NewDocRow(tree, 300).Encode()
	if err != nil {
		t.Fatal(err)
	}
	appended, err := tree.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		row  []byte
		want string // hexadecimal
	}{
		{"meta", (&schema.Meta{UpdateSeq: 300, PurgeSeq: 1, RevsLimit: 1000, PurgeLimit: 1000, DocCount: 2, DeletedCount: 1, ActiveBytes: 64, BodyBytes: 3, BlobBytes: 4, Blobs: 5, DesignSeq: 299, AttBytes: 2, MaxBytes: 1, DeferredBytes: 6, KeptBytes: 7, LeafBlobBytes: 8}).Encode(), "05" + "ac0201e807e807" + "0402" + "8001" + "06080a" + "ab02" + "0401" + "0c0e100000"},
		{"document", doc, "0100" + "02026262" + "ac02" + hex.EncodeToString(appended)},
		{"sequence", schema.NewSeqRow("x", tree).Encode(), "0100" + "0178" + "02" + "02026262" + "02026161"},
		{"purge", schema.NewPurgeRow("x", []couch.RevID{{Gen: 2, Hash: "ab"}, {Gen: 1, Hash: "c"}}).Encode(), "010178" + "02" + "010163" + "02026162"},
		{"database", schema.DBRecord{Partition: schema.Partition(16), Incarnation: couch.Incarnation{7: 9}, Created: 5, Partitioned: true}.Encode(), "01" + "0000000000000010" + "0000000000000009" + "05" + "01"},
		{"index", schema.EncodeIndexRow(schema.Partition(17)), "01" + "0000000000000011"},
		{"head of an index", schema.IndexHead(), "01"},
		{"hour", schema.EncodeTimeRow(300), "01" + "ac02"},
		{"unready database", schema.Unready{}.Encode(), ""},
		{"unready index", schema.Unready{Database: schema.Partition(16), Index: "x"}.Encode(), "01" + "0000000000000010" + "78"},
		{"sequence count", schema.EncodeSeqCount(1024), "8010"},
		{"counter", schema.EncodeCounter(17), "0000000000000011"},
	}
	for _, tt := range tests {
		if got := hex.EncodeToString(tt.row); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

// treeOf returns the tree of a document with a conflict of 2-bb and 2-aa.
func treeOf(t *testing.T) *revtree.Tree {
	t.Helper()
	tree := new(revtree.Tree)
	for _, hash := range []string{"aa", "bb"} {
		node := revtree.Node{Seq: 1, Available: true, Size: 3, AttSize: 4, Attachments: true}
		if _, _, err := tree.Merge(couch.Revisions{Start: 2, Hashes: []string{hash, "root"}}, node); err != nil {
			t.Fatal(err)
		}
	}
	if got := schema.ActiveBytes(tree); got != 14 {
		t.Errorf("the leaves have %d active bytes, want 14", got)
	}
	return tree
}

func newKey(t *testing.T) *crypt.DatabaseKey {
	t.Helper()
	keyring, err := crypt.NewKeyring()
	if err != nil {
		t.Fatal(err)
	}
	key, _, err := keyring.NewDatabaseKey(crypt.DatabaseID(schema.Partition(16)))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// A body opens where it belongs, and nowhere else.
func TestSealBody(t *testing.T) {
	key := newKey(t)
	rev := couch.RevID{Gen: 2, Hash: "ab"}
	want := schema.Body{
		Text: []byte(`{"a":1}`),
		Attachments: []couch.Attachment{{Name: "n", ContentType: "text/plain", RevPos: 2, Length: 3,
			Digest: couch.Digest{1}, Blob: couch.BlobID{2}}},
	}
	doc := &couch.Document{ID: "x", Attachments: want.Attachments, Body: couch.Body{Text: want.Text}}
	sealed := schema.SealBody(key, doc, rev)
	node := revtree.Node{Available: true, Attachments: true, Size: 7, Tag: crypt.Tag(sealed)}
	got, err := schema.OpenBody(key, sealed, "x", rev, node)
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Fatalf("%v %s", err, diff)
	}
	again := schema.SealBody(key, doc, rev)
	forged := bytes.Clone(sealed)
	forged[len(forged)/2] ^= 1
	for name, open := range map[string]func() (schema.Body, error){
		"missing":             func() (schema.Body, error) { return schema.OpenBody(key, nil, "x", rev, node) },
		"of another sealing":  func() (schema.Body, error) { return schema.OpenBody(key, again, "x", rev, node) },
		"of another document": func() (schema.Body, error) { return schema.OpenBody(key, sealed, "y", rev, node) },
		"of another revision": func() (schema.Body, error) {
			return schema.OpenBody(key, sealed, "x", couch.RevID{Gen: 2, Hash: "b"}, node)
		},
		"of another database":  func() (schema.Body, error) { return schema.OpenBody(newKey(t), sealed, "x", rev, node) },
		"forged but for a tag": func() (schema.Body, error) { return schema.OpenBody(key, forged, "x", rev, node) },
	} {
		if _, err := open(); !errors.Is(err, couch.ErrCorrupt) {
			t.Errorf("a body %s: %v, want an error of corruption", name, err)
		}
	}
}

func TestSealLocal(t *testing.T) {
	key := newKey(t)
	want := &couch.LocalDocument{ID: "_local/x", Rev: 3, Body: couch.Body{Text: []byte(`{}`)}}
	sealed := schema.SealLocal(key, want)
	got, err := schema.OpenLocal(key, "_local/x", sealed)
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	short := key.Seal(crypt.PurposeLocal, []byte("short"), []byte("_local/x"))
	for _, bad := range []struct {
		id     couch.DocID
		sealed []byte
	}{{"_local/y", sealed}, {"_local/x", short}, {"_local/x", nil}} {
		if _, err := schema.OpenLocal(key, bad.id, bad.sealed); !errors.Is(err, couch.ErrCorrupt) {
			t.Errorf("%s %x: %v, want an error of corruption", bad.id, bad.sealed, err)
		}
	}
}

func TestDomainError(t *testing.T) {
	other := errors.New("other")
	for _, tt := range []struct{ err, want error }{
		{nil, nil}, {other, other}, {couch.ErrConflict, couch.ErrConflict},
		{kv.ErrNoSpace, couch.ErrNoSpace}, {kv.ErrTooLarge, &couch.Error{Kind: couch.RequestTooLarge}}, {kv.ErrClosed, couch.ErrUnavailable},
		{kv.ErrCorrupt, couch.ErrCorrupt}, {crypt.ErrDamaged, couch.ErrCorrupt},
	} {
		got := schema.DomainError(tt.err)
		if !errors.Is(got, tt.want) || !errors.Is(got, tt.err) {
			t.Errorf("%v gives %v, want %v around it", tt.err, got, tt.want)
		}
	}
}

func TestRanges(t *testing.T) {
	for _, tt := range []struct{ prefix, want []byte }{
		{[]byte("a"), []byte("b")}, {[]byte{'a', 0xff}, []byte("b")}, {[]byte{0xff}, nil}, {nil, nil},
	} {
		if got := schema.PrefixEnd(tt.prefix); !bytes.Equal(got, tt.want) {
			t.Errorf("%x ends at %x, want %x", tt.prefix, got, tt.want)
		}
	}
	if diff := cmp.Diff(kv.Range{Lo: []byte("d"), Hi: []byte("e")}, schema.All(schema.KindDoc)); diff != "" {
		t.Error(diff)
	}
}

// Rows of other versions say other things, and are not read.
func TestMetaOfOtherVersions(t *testing.T) {
	row := (&schema.Meta{UpdateSeq: 300, Blobs: 5, LeafBlobBytes: 7}).Encode()
	if m, err := schema.DecodeMeta(row); err != nil || m.UpdateSeq != 300 || m.LeafBlobBytes != 7 {
		t.Fatalf("%+v, %v", m, err)
	}
	for _, version := range []byte{0, 1, 4, 6} {
		row[0] = version
		if m, err := schema.DecodeMeta(row); !errors.Is(err, couch.ErrCorrupt) {
			t.Errorf("version %d is %+v, %v", version, m, err)
		}
	}
}
