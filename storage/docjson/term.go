package docjson

import (
	"encoding/binary"
	"math"
	"strconv"
)

// The tags of Erlang's external term format that documents use.
const (
	termVersion  = 131
	termFloat    = 70  // NEW_FLOAT_EXT
	termSmallInt = 97  // SMALL_INTEGER_EXT
	termInt      = 98  // INTEGER_EXT
	termAtom     = 100 // ATOM_EXT
	termTuple    = 104 // SMALL_TUPLE_EXT
	termNil      = 106 // NIL_EXT
	termString   = 107 // STRING_EXT
	termList     = 108 // LIST_EXT
	termBinary   = 109 // BINARY_EXT
	termSmallBig = 110 // SMALL_BIG_EXT
)

// maxTermString is the longest list of bytes that Erlang writes as STRING_EXT.
const maxTermString = 65535

func appendAtomTerm(dst []byte, name string) []byte {
	return append(append(dst, termAtom, 0, byte(len(name))), name...)
}

func appendFloatTerm(dst []byte, f float64) []byte {
	return binary.BigEndian.AppendUint64(append(dst, termFloat), math.Float64bits(f))
}

func appendBinaryTerm(dst []byte, s string) []byte {
	dst = binary.BigEndian.AppendUint32(append(dst, termBinary), uint32(len(s)))
	return append(dst, s...)
}

func appendUintTerm(dst []byte, n uint64) []byte {
	var text [20]byte
	return appendIntTerm(dst, strconv.AppendUint(text[:0], n, 10))
}

// closeList ends the list that begins at the offset at with a LIST_EXT header of
// unknown length, and holds n elements. A list of bytes becomes a STRING_EXT, as
// Erlang writes it.
func closeList(term []byte, at, n int, allBytes bool) []byte {
	if n == 0 {
		return append(term[:at], termNil)
	}
	if !allBytes || n > maxTermString {
		binary.BigEndian.PutUint32(term[at+1:], uint32(n))
		return append(term, termNil)
	}
	for i := range n {
		term[at+3+i] = term[at+5+2*i+1] // each element is a SMALL_INTEGER_EXT
	}
	term[at] = termString
	binary.BigEndian.PutUint16(term[at+1:], uint16(n))
	return term[:at+3+n]
}
