package reduction

import (
	"encoding/binary"
	"math"
	"slices"

	"settle/storage/collate/jsonscan"
)

// Tags of Erlang's external term format.
const (
	termVersion  = 131
	termFloat    = 70
	termSmallInt = 97
	termInt      = 98
	termAtom     = 100
	termTuple    = 104
	termNil      = 106
	termString   = 107
	termList     = 108
	termBinary   = 109
	termSmallBig = 110
)

// appendTerm appends a value's external term, as Erlang has it of JSON.
func appendTerm(dst []byte, v value) []byte {
	switch v.kind {
	case jsonscan.Number:
		return appendNumberTerm(dst, v.num)
	case jsonscan.String:
		s := jsonscan.New(v.raw)
		raw, _ := s.String()
		text, _ := jsonscan.Unescape(nil, raw)
		return appendBinaryTerm(dst, string(text))
	case jsonscan.Array:
		return appendListTerm(dst, v.list)
	case jsonscan.Object:
		return appendObjectTerm(dst, v.members)
	}
	dst = binary.BigEndian.AppendUint16(append(dst, termAtom), uint16(len(v.raw)))
	return append(dst, v.raw...)
}

func appendBinaryTerm(dst []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint32(append(dst, termBinary), uint32(len(s))), s...)
}

func appendObjectTerm(dst []byte, members []member) []byte {
	dst = append(dst, termTuple, 1)
	if len(members) > 0 {
		dst = binary.BigEndian.AppendUint32(append(dst, termList), uint32(len(members)))
	}
	for _, m := range members {
		dst = appendTerm(appendBinaryTerm(append(dst, termTuple, 2), m.name), m.value)
	}
	return append(dst, termNil)
}

// appendListTerm has a shorter form for lists of bytes.
func appendListTerm(dst []byte, list []value) []byte {
	notByte := func(v value) bool {
		return v.kind != jsonscan.Number || v.num.isFloat || v.num.big != nil || v.num.small < 0 || v.num.small > 255
	}
	if n := len(list); n > 0 && n <= math.MaxUint16 && !slices.ContainsFunc(list, notByte) {
		dst = binary.BigEndian.AppendUint16(append(dst, termString), uint16(n))
		for _, v := range list {
			dst = append(dst, byte(v.num.small))
		}
		return dst
	}
	if len(list) > 0 {
		dst = binary.BigEndian.AppendUint32(append(dst, termList), uint32(len(list)))
	}
	for _, v := range list {
		dst = appendTerm(dst, v)
	}
	return append(dst, termNil)
}

func appendNumberTerm(dst []byte, n number) []byte {
	switch {
	case n.isFloat:
		return binary.BigEndian.AppendUint64(append(dst, termFloat), math.Float64bits(n.float))
	case n.big == nil && n.small >= 0 && n.small <= 255:
		return append(dst, termSmallInt, byte(n.small))
	case n.big == nil && n.small >= math.MinInt32 && n.small <= math.MaxInt32:
		return binary.BigEndian.AppendUint32(append(dst, termInt), uint32(n.small))
	}
	b := n.bigInt()
	sign := byte(0)
	if b.Sign() < 0 {
		sign = 1
	}
	raw := b.Bytes()
	slices.Reverse(raw)
	return append(append(dst, termSmallBig, byte(len(raw)), sign), raw...)
}
