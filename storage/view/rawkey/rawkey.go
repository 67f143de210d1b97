// Package rawkey makes keys of JSON values that sort in Erlang's order of terms, which
// views have whose collation is raw. It is pure.
package rawkey

import (
	"settle/storage/collate"
	"settle/storage/collate/jsonscan"
)

// The first byte of a raw key, by the kind of the value, in Erlang's order of terms.
const (
	rawNumber = 1 + iota
	rawFalse
	rawNull
	rawTrue
	rawObject
	rawEmptyArray
	rawArray
	rawString
)

const (
	rawEnd    = 0 // of an array or object
	rawMember = 1 // before a member's name
)

// Append appends a key that sorts as collate.CompareRaw does, and is the
// beginning of no other value's. The error is collate.ErrInvalid; dst is then
// returned as it was.
func Append(dst, json []byte) ([]byte, error) {
	k := keyer{s: jsonscan.New(json), dst: dst}
	if !k.value(0) || k.s.Kind() != jsonscan.Invalid || len(k.s.Rest()) > 0 {
		return dst, collate.ErrInvalid
	}
	return k.dst, nil
}

type keyer struct {
	s   jsonscan.Scanner
	dst []byte
}

func (k *keyer) value(depth int) bool {
	switch kind := k.s.Kind(); kind {
	case jsonscan.Number:
		var err error
		k.dst, err = collate.AppendKey(append(k.dst, rawNumber), k.s.Number())
		return err == nil
	case jsonscan.False:
		k.dst = append(k.dst, rawFalse)
	case jsonscan.Null:
		k.dst = append(k.dst, rawNull)
	case jsonscan.True:
		k.dst = append(k.dst, rawTrue)
	case jsonscan.String:
		k.dst = append(k.dst, rawString)
		raw, ok := k.s.String()
		return ok && k.text(raw)
	case jsonscan.Array, jsonscan.Object:
		return depth < collate.MaxDepth && k.nested(kind, depth)
	default:
		return false
	}
	return k.s.Literal()
}

func (k *keyer) nested(kind jsonscan.Kind, depth int) bool {
	at := len(k.dst)
	k.dst = append(k.dst, rawArray)
	if kind == jsonscan.Object {
		k.dst[at] = rawObject
	}
	k.s.Open()
	for first := true; ; first = false {
		name, more, ok := k.s.Next(kind, first)
		if !more {
			if first && kind == jsonscan.Array {
				k.dst[at] = rawEmptyArray
			}
			k.dst = append(k.dst, rawEnd)
			return ok
		}
		if kind == jsonscan.Object {
			k.dst = append(k.dst, rawMember)
			if !k.text(name) {
				return false
			}
		}
		if !k.value(depth + 1) {
			return false
		}
	}
}

func (k *keyer) text(raw []byte) bool {
	text, ok := jsonscan.Unescape(nil, raw)
	for _, c := range text {
		if k.dst = append(k.dst, c); c == 0 {
			k.dst = append(k.dst, 0xff)
		}
	}
	k.dst = append(k.dst, 0, 1)
	return ok
}
