package revtree_test

import (
	"encoding/hex"
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"settle/storage/couch"
	"settle/storage/revtree"
)

// TestEncodingIsStable holds encodings of version 1, which stay readable.
func TestEncodingIsStable(t *testing.T) {
	all := revtree.Node{
		Seq: 300, Deleted: true, Available: true, Attachments: true, Size: 200, AttSize: math.MaxInt64,
		Tag: [16]byte{0xa0, 15: 0xaf},
	}
	for _, tc := range []struct {
		name  string
		edits map[string]revtree.Node
		want  string
	}{
		{"empty", nil, "01 00"},
		{"one leaf", map[string]revtree.Node{"1-000102030405060708090a0b0c0d0e0f": {Seq: 5, Available: true, Size: 2}},
			"01 01 31 000102030405060708090a0b0c0d0e0f 02 05 02 00"},
		{"placeholder and all members", map[string]revtree.Node{"9-bb a": all},
			"01 02 02 08 01 61 25 02 6262 0f ac02 c801 ffffffffffffffff7f a00000000000000000000000000000af"},
		{"fork", map[string]revtree.Node{"2-b a": {Seq: 1}, "2-c a": {Seq: 2}},
			"01 03 01 01 61 25 01 62 00 01 00 00 28 02 01 63 00 02 00 00"},
		{"two parents", map[string]revtree.Node{"2-c a": {Seq: 1}, "2-c b": {Seq: 1}},
			"01 03 01 01 61 00 01 62 2d 02 01 02 01 63 00 01 00 00"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tree := new(revtree.Tree)
			for e, n := range tc.edits {
				if _, _, err := tree.Merge(path(t, e), n); err != nil {
					t.Fatal(err)
				}
			}
			want := strings.ReplaceAll(tc.want, " ", "")
			if diff := cmp.Diff(want, hex.EncodeToString(encode(t, tree))); diff != "" {
				t.Errorf("encoding (-want +got):\n%s", diff)
			}
			check(t, tree)
		})
	}
}

func TestDecodeRefuses(t *testing.T) {
	for name, in := range map[string]string{
		"nothing":                       "",
		"version 0":                     "00 00",
		"version 2":                     "02 00",
		"no count":                      "01",
		"count in a long form":          "01 80 00",
		"count without revisions":       "01 01",
		"enormous count":                "01 ff ff ff ff ff ff ff ff ff 01",
		"count beyond 64 bits":          "01 ff ff ff ff ff ff ff ff ff 02",
		"trailing byte":                 "01 00 00",
		"unknown flag":                  "01 01 61 01 61 00 01 00 00",
		"unknown flag of content":       "01 01 21 01 61 10 01 00 00",
		"leaf without content":          "01 01 01 01 61",
		"empty content":                 "01 01 21 01 61 00 00 00 00",
		"content cut short":             "01 01 21 01 61 00 01 00",
		"zero tag":                      "01 01 21 01 61 08 01 00 00 00000000000000000000000000000000",
		"tag cut short":                 "01 01 21 01 61 08 01 00 00 01",
		"negative size":                 "01 01 21 01 61 00 01 ff ff ff ff ff ff ff ff ff 01 00",
		"hash cut short":                "01 01 31 000102030405060708090a0b0c0d0e",
		"hash of 16 bytes, long form":   "01 01 21 10 000102030405060708090a0b0c0d0e0f 02 05 02 00",
		"hash longer than the tree":     "01 01 21 ff ff ff ff ff ff ff ff ff 01 61",
		"none":                          "01 01 20 00 00 01 00 00",
		"same revision twice":           "01 02 21 01 61 00 01 00 00 20 01 61 00 01 00 00",
		"descending":                    "01 02 21 01 62 00 01 00 00 20 01 61 00 01 00 00",
		"generation kind 3":             "01 01 23 09 01 61 00 01 00 00",
		"generation step 1, long form":  "01 01 22 01 01 61 00 01 00 00",
		"generation too large":          "01 01 22 80 80 80 80 80 80 80 10 01 61 00 01 00 00",
		"generation overflows":          "01 02 21 01 61 00 01 00 00 22 ff ff ff ff ff ff ff ff ff 01 01 62 00 01 00 00",
		"first has a parent":            "01 01 25 01 61 00 01 00 00",
		"parent of the same generation": "01 02 21 01 61 00 01 00 00 24 01 62 00 01 00 00",
		"parent two generations older":  "01 02 21 01 61 00 01 00 00 26 02 01 62 00 01 00 00",
		"parent before the first":       "01 02 01 01 61 29 02 01 62 00 01 00 00",
		"parent before, long form":      "01 02 01 01 61 29 01 01 62 00 01 00 00",
		"parent is itself":              "01 02 01 01 61 29 00 01 62 00 01 00 00",
		"list of one parent":            "01 02 01 01 61 2d 01 01 01 62 00 01 00 00",
		"parents descend":               "01 03 01 01 61 00 01 62 2d 02 02 01 01 63 00 01 00 00",
		"parent twice":                  "01 03 01 01 61 00 01 62 2d 02 01 01 01 63 00 01 00 00",
		"enormous list of parents":      "01 03 01 01 61 00 01 62 2d ff ff ff ff ff ff ff ff ff 01 01 02 01 63 00 01 00 00",
	} {
		t.Run(name, func(t *testing.T) {
			b, err := hex.DecodeString(strings.ReplaceAll(in, " ", ""))
			if err != nil {
				t.Fatal(err)
			}
			if tree, err := revtree.Decode(b); !errors.Is(err, couch.ErrCorrupt) || tree != nil {
				t.Errorf("Decode = %v, %v, want Corrupt", tree, err)
			}
		})
	}
}

// TestDecodeCutShort: no beginning of a tree is a tree.
func TestDecodeCutShort(t *testing.T) {
	b := encode(t, build(t, "3-c b a", "5-e d", "3-c y a", "2-z a", "1-0123456789abcdef0123456789abcdef"))
	for n := range b {
		if _, err := revtree.Decode(b[:n]); !errors.Is(err, couch.ErrCorrupt) {
			t.Errorf("the first %d of %d bytes: %v", n, len(b), err)
		}
	}
}

func TestDecodeDoesNotKeepInput(t *testing.T) {
	b := encode(t, build(t, "3-c b a"))
	tree, err := revtree.Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	clear(b)
	wantPaths(t, tree, "3-c b a")
}

func TestAppendBinaryAppends(t *testing.T) {
	tree := build(t, "2-b a")
	b, err := tree.AppendBinary([]byte("prefix"))
	if err != nil || string(b) != "prefix"+string(encode(t, tree)) {
		t.Errorf("AppendBinary = %q, %v", b, err)
	}
	tree.Set(rev(t, "2-b"), revtree.Node{Seq: 1, Size: -1})
	b, err = tree.AppendBinary([]byte("prefix"))
	if !errors.Is(err, couch.ErrCorrupt) || string(b) != "prefix" {
		t.Errorf("with a negative size: %q, %v", b, err)
	}
}

// FuzzDecode: what is accepted is a whole tree, and the only encoding of it.
func FuzzDecode(f *testing.F) {
	f.Add([]byte{1, 0})
	f.Add(encode(f, build(f, "1-0123456789abcdef0123456789abcdef")))
	f.Add(encode(f, build(f, "3-c b a", "5-e d", "3-c y a", "x 2-z a", "9-n m", "0-a")))
	f.Fuzz(func(t *testing.T, b []byte) {
		tree, err := revtree.Decode(b)
		if err != nil {
			if !errors.Is(err, couch.ErrCorrupt) {
				t.Fatalf("error %v is not Corrupt", err)
			}
			return
		}
		check(t, tree)
		if diff := cmp.Diff(b, encode(t, tree)); diff != "" {
			t.Fatalf("a second encoding of one tree (-given +own):\n%s", diff)
		}
	})
}

// FuzzMerge reads edits from bytes and applies them to a tree and to the model.
func FuzzMerge(f *testing.F) {
	f.Add(uint64(1), uint8(5), uint8(2))
	f.Add(uint64(2), uint8(9), uint8(1))
	f.Fuzz(func(t *testing.T, seed uint64, gens, hashes uint8) {
		rng := rand.New(rand.NewPCG(seed, 3))
		tree, m := new(revtree.Tree), newModel()
		for step := range 12 {
			p := randomPath(rng, 1+int(gens)%12, 1+int(hashes)%6)
			n := randomNode(rng, step+1)
			o, stored, err := tree.Merge(p, n)
			if wo, ws := m.merge(p, n); err != nil || o != wo || stored != ws {
				t.Fatalf("Merge(%s) = %v, %v, %v, want %v, %v", formatPath(p), o, stored, err, wo, ws)
			}
		}
		m.compare(t, tree)
	})
}
