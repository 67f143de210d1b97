package docjson

import (
	"encoding/binary"
	"errors"
)

var errTerm = errors.New("docjson: not the external term of a body")

// CutTerm returns the term of a body, as in couch.Body.Term, without its i-th
// member. The error says that the term is none, or has no such member.
func CutTerm(term []byte, i int) ([]byte, error) {
	const head = 7 // of the tuple and the list
	if len(term) < head || term[0] != termTuple || term[1] != 1 || term[2] != termList {
		return nil, errTerm
	}
	n := int(binary.BigEndian.Uint32(term[3:]))
	if i >= n {
		return nil, errTerm
	}
	if n == 1 {
		return []byte{termTuple, 1, termNil}, nil
	}
	from := head
	for range i {
		from = afterTerm(term, from)
	}
	to := afterTerm(term, from)
	if from < 0 || to < 0 {
		return nil, errTerm
	}
	rest := append(make([]byte, 0, len(term)-(to-from)), term[:from]...)
	binary.BigEndian.PutUint32(rest[3:], uint32(n-1))
	return append(rest, term[to:]...), nil
}

// afterTerm returns the offset behind the term at i; negative where there is none.
func afterTerm(b []byte, i int) int {
	if i < 0 || i >= len(b) {
		return -1
	}
	uint := func(at, size int) int {
		if at+size > len(b) {
			return len(b)
		}
		var n int
		for _, c := range b[at : at+size] {
			n = n<<8 | int(c)
		}
		return n
	}
	elements := 0
	switch b[i] {
	case termNil:
		i++
	case termSmallInt:
		i += 2
	case termInt:
		i += 5
	case termFloat:
		i += 9
	case termAtom, termString:
		i += 3 + uint(i+1, 2)
	case termBinary:
		i += 5 + uint(i+1, 4)
	case termSmallBig:
		i += 3 + uint(i+1, 1)
	case termTuple:
		elements, i = uint(i+1, 1), i+2
	case termList:
		elements, i = uint(i+1, 4)+1, i+5 // the tail too
	default:
		return -1
	}
	for range elements {
		if i = afterTerm(b, i); i < 0 {
			return -1
		}
	}
	if i > len(b) {
		return -1
	}
	return i
}
