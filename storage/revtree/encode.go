package revtree

import (
	"encoding/binary"
	"slices"
)

// version is the first byte of an encoded tree.
const version = 1

// The first byte of an encoded revision.
const (
	genSame  = 0 // the generation of the revision before; 0 for the first
	genNext  = 1 // one more
	genSteps = 2 // more than one more: a number follows
	genMask  = 3

	parentNone   = 0 << 2
	parentBefore = 1 << 2 // the revision before
	parentOther  = 2 << 2 // a number follows
	parentsMany  = 3 << 2 // numbers follow
	parentMask   = 3 << 2

	hash16     = 1 << 4 // the hash is 16 bytes long
	hasContent = 1 << 5
)

// The first byte of encoded content.
const (
	nodeDeleted     = 1 << 0
	nodeAvailable   = 1 << 1
	nodeAttachments = 1 << 2
	nodeTag         = 1 << 3 // the tag is not zero
)

// AppendBinary appends the encoded tree to b. Trees that are equal have equal
// encodings, so a caller that compares a tree's encoding from before and after
// knows whether it changed.
//
// Version 1. Numbers are unsigned varints in their shortest form.
//
//	tree      version byte 1, number of revisions, revisions
//	revision  flags byte
//	          generation  bits 0-1 = 0: as before, 1: one more, 2: a number, the step (2 or more)
//	          parents     bits 2-3 = 0: none, 1: the revision before, 2: a number, its place,
//	                      3: the count (2 or more), and as many places, ascending
//	          hash        bit 4: 16 bytes; else its length (not 16), and its bytes
//	          content     bit 5: content follows; else a placeholder
//	content   flags byte: bit 0 deleted, 1 available, 2 attachments, 3 has a tag
//	          Seq, Size, AttSize (numbers), and the tag (16 bytes)
//
// Revisions ascend by generation and hash, the generation before the first is 0.
// A place counts revisions back: 1 is the one before, and only a list holds a 1.
//
// The error is Corrupt, for negative sizes; b is then returned as it was.
func (t *Tree) AppendBinary(b []byte) ([]byte, error) {
	start := len(b)
	b = append(b, version)
	b = binary.AppendUvarint(b, uint64(len(t.nodes)))
	var gen uint64
	for i, e := range t.nodes {
		if e.node.Size < 0 || e.node.AttSize < 0 {
			return b[:start], corrupt("revision %d has a negative size", i)
		}
		b = t.appendEntry(b, i, e.rev.Gen-gen)
		gen = e.rev.Gen
	}
	return b, nil
}

// appendEntry appends the i-th revision, step generations behind the one before.
func (t *Tree) appendEntry(b []byte, i int, step uint64) []byte {
	e := t.nodes[i]
	flagsAt := len(b)
	b = append(b, byte(min(step, genSteps)))
	if step >= genSteps {
		b = binary.AppendUvarint(b, step)
	}
	b, parents := t.appendParents(b, i)
	flags := parents
	if len(e.rev.Hash) == 16 {
		flags |= hash16
	} else {
		b = binary.AppendUvarint(b, uint64(len(e.rev.Hash)))
	}
	b = append(b, e.rev.Hash...)
	if !e.node.IsPlaceholder() {
		flags |= hasContent
		b = e.node.append(b)
	}
	b[flagsAt] |= flags
	return b
}

// appendParents appends the places of the i-th revision's parents, and returns
// the flag that says how many they are.
func (t *Tree) appendParents(b []byte, i int) ([]byte, byte) {
	parents := t.nodes[i].parents
	switch {
	case len(parents) == 0:
		return b, parentNone
	case len(parents) > 1:
		b = binary.AppendUvarint(b, uint64(len(parents)))
		for _, p := range parents {
			b = binary.AppendUvarint(b, t.place(i, p))
		}
		return b, parentsMany
	case parents[0] == t.nodes[i-1]:
		return b, parentBefore
	}
	return binary.AppendUvarint(b, t.place(i, parents[0])), parentOther
}

// place returns how many revisions before the i-th one p stands.
func (t *Tree) place(i int, p *entry) uint64 {
	at, _ := slices.BinarySearchFunc(t.nodes[:i], p, func(a, b *entry) int { return a.rev.Compare(b.rev) })
	return uint64(i - at)
}

// append appends the encoded content.
func (n *Node) append(b []byte) []byte {
	var flags byte
	hasTag := n.Tag != [16]byte{}
	for _, f := range [...]struct {
		set bool
		bit byte
	}{{n.Deleted, nodeDeleted}, {n.Available, nodeAvailable}, {n.Attachments, nodeAttachments}, {hasTag, nodeTag}} {
		if f.set {
			flags |= f.bit
		}
	}
	b = append(b, flags)
	b = binary.AppendUvarint(b, uint64(n.Seq))
	b = binary.AppendUvarint(b, uint64(n.Size))
	b = binary.AppendUvarint(b, uint64(n.AttSize))
	if hasTag {
		b = append(b, n.Tag[:]...)
	}
	return b
}
