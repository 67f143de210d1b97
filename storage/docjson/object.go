package docjson

import "hash/maphash"

// member is where a member of an object stands in a builder.
type member struct {
	text, term uint32 // offsets of its beginning
	nameEnd    uint32 // offset in text behind the name; 0: a later member has the same name
}

// special is told of each member of a document whose name begins with an
// underscore, standing at the value. It either reads the value, and the member
// does not become part of the body, or leaves it and returns false.
type special func(name []byte) (taken bool, err error)

// maxSpecialName is more than the longest name of a special member.
const maxSpecialName = 64

// buildObject reads an object into b. sp is nil for objects that are not documents.
func (r *Reader) buildObject(b *builder, sp special) error {
	if err := r.open('{'); err != nil {
		return err
	}
	o := object{r: r, b: b, base: len(r.names), text: len(b.text), term: len(b.term)}
	b.text = append(b.text, '{')
	if b.withTerm {
		b.term = append(b.term, termTuple, 1, termList, 0, 0, 0, 0)
	}
	for first := true; ; first = false {
		more, err := r.next('}', first)
		if err != nil {
			return err
		}
		if !more {
			return o.close()
		}
		if err := o.member(sp); err != nil {
			return err
		}
	}
}

// object is an object that is being read.
type object struct {
	r          *Reader
	b          *builder
	base       int // of its members in r.names
	text, term int // offsets of its beginning
	dead       int // members that a later one of the same name replaced
	index      *nameIndex
}

// member reads a member, of the body or special.
func (o *object) member(sp special) error {
	b := o.b
	m, size := member{text: uint32(len(b.text)), term: uint32(len(b.term))}, b.size
	if sp == nil {
		if err := o.r.name(b); err != nil {
			return err
		}
	} else {
		taken, err := o.special(m, sp)
		if taken || err != nil {
			b.text, b.term, b.size = b.text[:m.text], b.term[:m.term], size
			return err
		}
	}
	m.nameEnd = uint32(len(b.text))
	b.text = append(b.text, ':')
	if err := b.count(2); err != nil {
		return err
	}
	if err := o.r.build(b); err != nil {
		return err
	}
	b.text = append(b.text, ',')
	o.add(m)
	return nil
}

// special reads the name of a document's member, which only counts where the
// member is not special, and lets sp have the member.
func (o *object) special(m member, sp special) (taken bool, err error) {
	b := o.b
	b.limit += maxSpecialName
	err = o.r.name(b)
	b.limit -= maxSpecialName
	if err != nil || b.text[m.text+1] != '_' {
		return false, err
	}
	return sp(b.term[m.term+2+5:]) // behind the headers of tuple and string
}

// name reads a member's name and the colon behind it, and begins its pair in the term.
func (r *Reader) name(b *builder) error {
	if c, err := r.peek(); err != nil {
		return err
	} else if c != '"' {
		return r.fail(errInvalid)
	}
	if b.withTerm {
		b.term = append(b.term, termTuple, 2)
	}
	if err := r.buildString(b); err != nil {
		return err
	}
	return r.expect(':')
}

// add enters a member, and leaves out an earlier one of the same name.
func (o *object) add(m member) {
	names := append(o.r.names, m)
	o.r.names = names
	i := len(names) - 1
	if old := o.find(i); old >= 0 {
		names[old].nameEnd = 0
		o.dead++
	}
}

// find returns the member before i of the same name, or -1.
func (o *object) find(i int) int {
	names, text := o.r.names, o.b.text
	name := text[names[i].text:names[i].nameEnd]
	const few = 16
	if i-o.base >= few {
		if o.index == nil {
			o.index = newNameIndex(names[:i], o.base, text)
		}
		return o.index.put(names, text, i)
	}
	for j := i - 1; j >= o.base; j-- {
		m := names[j]
		if m.nameEnd != 0 && string(text[m.text:m.nameEnd]) == string(name) {
			return j
		}
	}
	return -1
}

func (o *object) close() error {
	b, names := o.b, o.r.names
	n := len(names) - o.base - o.dead
	if o.dead > 0 {
		o.compact()
	}
	o.r.names = names[:o.base]
	b.text = closeText(b.text, n, '}')
	if b.withTerm {
		b.term = closeList(b.term, o.term+2, n, false)
	}
	return b.count(bracketSize(n))
}

// compact takes the members that were replaced out of text and term.
func (o *object) compact() {
	b, members := o.b, o.r.names[o.base:]
	text, term := members[0].text, members[0].term
	for i, m := range members {
		textEnd, termEnd := uint32(len(b.text)), uint32(len(b.term))
		if i+1 < len(members) {
			textEnd, termEnd = members[i+1].text, members[i+1].term
		}
		if m.nameEnd != 0 {
			text += uint32(copy(b.text[text:], b.text[m.text:textEnd]))
			term += uint32(copy(b.term[term:], b.term[m.term:termEnd]))
		}
	}
	b.text, b.term = b.text[:text], b.term[:term]
}

// nameIndex finds members by name in objects of many members: a hash table of
// their positions in Reader.names plus one, open addressing, at most half full.
type nameIndex struct {
	seed  maphash.Seed
	slots []uint32
	used  int
}

func newNameIndex(names []member, base int, text []byte) *nameIndex {
	x := &nameIndex{seed: maphash.MakeSeed(), slots: make([]uint32, 64)}
	for i := base; i < len(names); i++ {
		if names[i].nameEnd != 0 {
			x.put(names, text, i)
		}
	}
	return x
}

// put enters member i and returns the one of the same name that it replaces, or -1.
func (x *nameIndex) put(names []member, text []byte, i int) int {
	if 2*x.used >= len(x.slots) {
		x.grow(names, text)
	}
	slot := x.slot(names, text, names[i])
	old := int(x.slots[slot]) - 1
	if old < 0 {
		x.used++
	}
	x.slots[slot] = uint32(i + 1)
	return old
}

// slot returns where the member of m's name is, or belongs.
func (x *nameIndex) slot(names []member, text []byte, m member) uint64 {
	name := text[m.text:m.nameEnd]
	mask := uint64(len(x.slots) - 1)
	s := maphash.Bytes(x.seed, name) & mask
	for ; x.slots[s] != 0; s = (s + 1) & mask {
		other := names[x.slots[s]-1]
		if string(text[other.text:other.nameEnd]) == string(name) {
			break
		}
	}
	return s
}

func (x *nameIndex) grow(names []member, text []byte) {
	old := x.slots
	x.slots = make([]uint32, 2*len(old))
	for _, i := range old {
		if i != 0 {
			x.slots[x.slot(names, text, names[i-1])] = i
		}
	}
}
