package revtree_test

import (
	"crypto/md5"
	"fmt"
	"testing"

	"settle/storage/couch"
	"settle/storage/revtree"
)

// history returns a path of n generations.
func history(n int) couch.Revisions {
	p := couch.Revisions{Start: uint64(n)}
	for i := range n {
		sum := md5.Sum(fmt.Append(nil, n-i))
		p.Hashes = append(p.Hashes, string(sum[:]))
	}
	return p
}

// grown returns a tree of one leaf, whose history was written edit by edit.
func grown(b *testing.B, n int) *revtree.Tree {
	tree, p := new(revtree.Tree), history(n)
	for i := range p.Hashes {
		node := live
		node.Seq = couch.Seq(1000 + i)
		at := couch.Revisions{Start: uint64(i + 1), Hashes: p.Hashes[n-1-i:]}
		if _, _, err := tree.Merge(at, node); err != nil {
			b.Fatal(err)
		}
	}
	return tree
}

var depths = []int{1, 10, 1000}

// BenchmarkUpdate is what a write does: decode, merge the next revision with its
// whole path, stem, find the winner, encode.
func BenchmarkUpdate(b *testing.B) {
	for _, n := range depths {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			enc := encode(b, grown(b, n))
			next := history(n + 1)
			b.ReportAllocs()
			var out []byte
			for b.Loop() {
				tree, err := revtree.Decode(enc)
				if err != nil {
					b.Fatal(err)
				}
				if _, _, err := tree.Merge(next, live); err != nil {
					b.Fatal(err)
				}
				tree.Stem(1000)
				tree.Winner()
				out, _ = tree.AppendBinary(out[:0])
			}
			b.ReportMetric(float64(len(enc)), "B/tree")
		})
	}
}

// BenchmarkMerge merges the whole path of a leaf that is in the tree.
func BenchmarkMerge(b *testing.B) {
	for _, n := range depths {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			tree, p := grown(b, n), history(n)
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := tree.Merge(p, live); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	for _, n := range depths {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			enc := encode(b, grown(b, n))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := revtree.Decode(enc); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkEncode(b *testing.B) {
	for _, n := range depths {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			tree := grown(b, n)
			var out []byte
			for b.Loop() {
				out, _ = tree.AppendBinary(out[:0])
			}
		})
	}
}
