package reduction

import (
	"bytes"
	"cmp"
	"slices"
	"strconv"

	"settle/storage/collate/jsonscan"
	"settle/storage/docjson"
)

// value is a JSON value whose numbers can be added up.
type value struct {
	kind    jsonscan.Kind
	num     number
	list    []value
	members []member
	raw     []byte // of other kinds, as they are printed
}

type member struct {
	name  string
	value value
}

// parse reads a JSON value; what is none, or a number without bounds, has the kind
// Invalid.
func parse(text []byte) value {
	s := jsonscan.New(text)
	return parseNext(&s)
}

func parseNext(s *jsonscan.Scanner) value {
	v := value{kind: s.Kind()}
	switch v.kind {
	case jsonscan.Number:
		var ok bool
		v.raw = s.Number()
		if v.num, ok = parseNumber(v.raw); !ok {
			v.kind = jsonscan.Invalid
		}
	case jsonscan.Array, jsonscan.Object:
		v.parseNested(s)
	default:
		v.raw = s.Value()
	}
	return v
}

func (v *value) parseNested(s *jsonscan.Scanner) {
	s.Open()
	for first := true; ; first = false {
		raw, more, _ := s.Next(v.kind, first)
		if !more {
			return
		}
		if v.kind == jsonscan.Array {
			v.list = append(v.list, parseNext(s))
			continue
		}
		if v.members == nil {
			v.members = make([]member, 0, len(statFields))
		}
		v.members = append(v.members, member{name: nameOf(raw), value: parseNext(s)})
	}
}

func nameOf(raw []byte) string {
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw)
	}
	name, _ := jsonscan.Unescape(nil, raw)
	return string(name)
}

// append prints the value.
func (v value) append(dst []byte) []byte {
	switch v.kind {
	case jsonscan.Number:
		return v.num.append(dst)
	case jsonscan.Array:
		dst = append(dst, '[')
		for i, e := range v.list {
			dst = e.append(comma(dst, i))
		}
		return append(dst, ']')
	case jsonscan.Object:
		dst = append(dst, '{')
		for i, m := range v.members {
			dst = docjson.AppendString(comma(dst, i), m.name)
			dst = m.value.append(append(dst, ':'))
		}
		return append(dst, '}')
	}
	return append(dst, v.raw...)
}

func comma(dst []byte, i int) []byte {
	if i > 0 {
		return append(dst, ',')
	}
	return dst
}

// isZero reports whether v is the integer 0.
func (v value) isZero() bool {
	return v.kind == jsonscan.Number && !v.num.isFloat && v.num.big == nil && v.num.small == 0
}

// get returns the member of a name; ok is false where there is none.
func (v value) get(name string) (_ value, ok bool) {
	for _, m := range v.members {
		if m.name == name {
			return m.value, true
		}
	}
	return value{}, false
}

// sorted returns the members in the order of their names' bytes.
func (v value) sorted() []member {
	return slices.SortedStableFunc(slices.Values(v.members), func(a, b member) int { return cmp.Compare(a.name, b.name) })
}

// term appends the value as Erlang's ~w prints it.
func (v value) term(dst []byte) []byte {
	switch v.kind {
	case jsonscan.String:
		s := jsonscan.New(v.raw)
		raw, _ := s.String()
		text, _ := jsonscan.Unescape(nil, raw)
		return appendBinary(dst, string(text))
	case jsonscan.Array:
		dst = append(dst, '[')
		for i, e := range v.list {
			dst = e.term(comma(dst, i))
		}
		return append(dst, ']')
	case jsonscan.Object:
		dst = append(dst, "{["...)
		for i, m := range v.members {
			dst = appendBinary(append(comma(dst, i), '{'), m.name)
			dst = append(m.value.term(append(dst, ',')), '}')
		}
		return append(dst, "]}"...)
	}
	return v.append(dst)
}

func appendBinary(dst []byte, s string) []byte {
	dst = append(dst, "<<"...)
	for i := range len(s) {
		dst = strconv.AppendUint(comma(dst, i), uint64(s[i]), 10)
	}
	return append(dst, ">>"...)
}
