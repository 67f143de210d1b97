package revtree

import (
	"math"

	"settle/storage/couch"
)

// minRevision is the length of the shortest encoded revision: flags, and the
// length of an empty hash.
const minRevision = 2

// Decode reads what AppendBinary wrote. It accepts nothing else: of every tree
// there is one encoding. The error is Corrupt. Memory is in proportion to b,
// whatever it holds. The tree does not refer to b.
func Decode(b []byte) (*Tree, error) {
	if len(b) == 0 || b[0] != version {
		return nil, corrupt("unknown version")
	}
	d := decoder{s: string(b), at: 1}
	count := d.number()
	if d.failed != "" || count > uint64(len(b)-d.at)/minRevision {
		return nil, corrupt("bad number of revisions")
	}
	d.nodes = make([]*entry, 0, count)
	d.edges = make([]*entry, 0, count)
	slab := make([]entry, count)
	for i := range slab {
		if d.entry(&slab[i]); d.failed != "" {
			return nil, corrupt("revision %d: %s", i, d.failed)
		}
		d.nodes = append(d.nodes, &slab[i])
	}
	if d.at != len(d.s) {
		return nil, corrupt("%d bytes too many", len(d.s)-d.at)
	}
	for i, e := range d.nodes {
		if e.isLeaf() && e.node.IsPlaceholder() {
			return nil, corrupt("leaf %d has no content", i)
		}
	}
	return &Tree{nodes: d.nodes}, nil
}

// decoder reads an encoded tree. The first failure stays; what is read after it
// means nothing.
type decoder struct {
	s      string // the encoding; hashes are parts of it
	at     int    // where in s to read on
	failed string
	nodes  []*entry
	edges  []*entry // backs the parents of the entries, where there is room
}

func (d *decoder) fail(what string) {
	if d.failed == "" {
		d.failed = what
	}
}

// take returns the next n bytes.
func (d *decoder) take(n uint64) string {
	if d.failed != "" || n > uint64(len(d.s)-d.at) {
		d.fail("cut short")
		return ""
	}
	part := d.s[d.at : d.at+int(n)]
	d.at += int(n)
	return part
}

// byte returns the next byte.
func (d *decoder) byte() byte {
	if d.at == len(d.s) {
		d.fail("cut short")
		return 0
	}
	c := d.s[d.at]
	d.at++
	return c
}

// number returns the next varint.
func (d *decoder) number() uint64 {
	c := d.byte()
	if c < 0x80 {
		return uint64(c)
	}
	n := uint64(c & 0x7f)
	for shift := 7; shift < 64; shift += 7 {
		c = d.byte()
		n |= uint64(c&0x7f) << shift
		if c < 0x80 {
			if c == 0 || shift == 63 && c > 1 {
				d.fail("a number is too large, or not in its shortest form")
			}
			return n
		}
	}
	d.fail("a number is too large")
	return 0
}

// size returns the next varint, which must be an int64.
func (d *decoder) size() int64 {
	n := d.number()
	if n > math.MaxInt64 {
		d.fail("a size is too large")
	}
	return int64(n)
}

// entry reads the revision behind d.nodes.
func (d *decoder) entry(e *entry) {
	flags := d.byte()
	if flags&^(genMask|parentMask|hash16|hasContent) != 0 {
		d.fail("unknown flags")
	}
	e.rev.Gen = d.gen(flags & genMask)
	places := d.parents(flags & parentMask)
	size := uint64(16)
	if flags&hash16 == 0 {
		if size = d.number(); size == 16 {
			d.fail("a hash is not in its shortest form")
		}
	}
	e.rev.Hash = d.take(size)
	if flags&hasContent != 0 {
		e.node = d.node()
	}
	if n := len(d.nodes); n > 0 && d.nodes[n-1].rev.Compare(e.rev) >= 0 || e.rev.IsZero() {
		d.fail("out of order")
	}
	d.link(e, places)
}

// gen reads a generation.
func (d *decoder) gen(kind byte) uint64 {
	var before uint64
	if n := len(d.nodes); n > 0 {
		before = d.nodes[n-1].rev.Gen
	}
	step := uint64(kind)
	if kind >= genSteps {
		if step = d.number(); step < genSteps || kind > genSteps {
			d.fail("bad generation")
		}
	}
	if step > maxGen-before {
		d.fail("generation too large")
		return before
	}
	return before + step
}

// parents reads the places of the parents and returns the entries there.
func (d *decoder) parents(kind byte) []*entry {
	from := len(d.edges)
	switch kind {
	case parentBefore:
		d.parentAt(1)
	case parentOther:
		place := d.number()
		if place == 1 {
			d.fail("a parent is not in its shortest form")
		}
		d.parentAt(place)
	case parentsMany:
		count, last := d.number(), uint64(0)
		if count < 2 {
			d.fail("parents are not in their shortest form")
		}
		for ; count > 0 && d.failed == ""; count-- {
			place := d.number()
			if place <= last {
				d.fail("parents out of order")
			}
			last = place
			d.parentAt(place)
		}
	}
	return d.edges[from:len(d.edges):len(d.edges)]
}

// parentAt adds the entry at a place to d.edges.
func (d *decoder) parentAt(place uint64) {
	n := uint64(len(d.nodes))
	if d.failed != "" || place == 0 || place > n {
		d.fail("bad parent")
		return
	}
	d.edges = append(d.edges, d.nodes[n-place])
}

// link makes entries the parents of e.
func (d *decoder) link(e *entry, parents []*entry) {
	for _, p := range parents {
		if p.rev.Gen+1 != e.rev.Gen {
			d.fail("a parent is not one generation older")
		}
		p.children++
	}
	if len(parents) > 0 {
		e.parents = parents
	}
}

// node reads content.
func (d *decoder) node() Node {
	flags := d.byte()
	if flags&^(nodeDeleted|nodeAvailable|nodeAttachments|nodeTag) != 0 {
		d.fail("unknown flags of content")
	}
	n := Node{
		Deleted:     flags&nodeDeleted != 0,
		Available:   flags&nodeAvailable != 0,
		Attachments: flags&nodeAttachments != 0,
		Seq:         couch.Seq(d.number()),
		Size:        d.size(),
		AttSize:     d.size(),
	}
	if flags&nodeTag != 0 {
		copy(n.Tag[:], d.take(16))
		if n.Tag == [16]byte{} {
			d.fail("content is not in its shortest form")
		}
	}
	if n.IsPlaceholder() {
		d.fail("content is empty")
	}
	return n
}
