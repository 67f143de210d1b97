package collate

import "settle/storage/collate/jsonscan"

// The first byte of a value's key. Each value ends itself, so that an end of an
// array, being less than any of them, sorts the shorter array first.
const (
	keyEnd    = 0x00 // of an array or object
	keyMember = 0x01 // before a member's name
	keyKind   = 0x01 // added to a value's kind
)

// AppendKey appends the key of a JSON text: bytes.Compare of two keys is Compare
// of their texts. The error is ErrInvalid; dst is then returned as it was.
//
// A key is the value's kind, followed for numbers by the greatest double that is
// not above them in 8 bytes that sort, the length of the rest in one byte and the
// rest; for strings by their weights, each level ended by a zero weight; for
// arrays by the keys of the elements and a zero byte; for objects by a one, name
// and value of each member and a zero byte.
func AppendKey(dst, json []byte) ([]byte, error) {
	k := keyer{s: jsonscan.New(json), dst: dst}
	if !k.value(0) || k.s.Kind() != jsonscan.Invalid || len(k.s.Rest()) > 0 {
		return dst, ErrInvalid
	}
	return k.dst, nil
}

// keyer makes the key of one text. Its methods report false for what is no JSON.
type keyer struct {
	s   jsonscan.Scanner
	dst []byte
}

func (k *keyer) value(depth int) bool {
	kind := k.s.Kind()
	k.dst = append(k.dst, byte(kind)+keyKind)
	switch kind {
	case jsonscan.Invalid:
		return false
	case jsonscan.Number:
		n, ok := parseNumber(k.s.Number())
		k.dst = n.appendKey(k.dst)
		return ok
	case jsonscan.String:
		raw, ok := k.s.String()
		return ok && k.text(raw)
	case jsonscan.Array, jsonscan.Object:
		return depth < MaxDepth && k.nested(kind, depth)
	}
	return k.s.Literal()
}

func (k *keyer) nested(kind jsonscan.Kind, depth int) bool {
	k.s.Open()
	for first := true; ; first = false {
		name, more, ok := k.s.Next(kind, first)
		if !more {
			k.dst = append(k.dst, keyEnd)
			return ok
		}
		if kind == jsonscan.Object {
			k.dst = append(k.dst, keyMember)
			if !k.text(name) {
				return false
			}
		}
		if !k.value(depth + 1) {
			return false
		}
	}
}

func (k *keyer) text(raw []byte) (ok bool) {
	k.dst, ok = appendTextKey(k.dst, raw)
	return ok
}
