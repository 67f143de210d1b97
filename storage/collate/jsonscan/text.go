package jsonscan

import (
	"bytes"
	"iter"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// KindOf is the kind of the value at the beginning of text.
func KindOf(text []byte) Kind {
	s := New(text)
	return s.Kind()
}

// Value returns the value at the beginning of text, without white space around
// it; nil where there is none.
func Value(text []byte) []byte {
	s := New(text)
	return s.Value()
}

// Members yields the members of the object at the beginning of text: the name as
// [Scanner.String] returns it, and the text from the beginning of the value to
// the end of the whole. Anything but an object has none.
func Members(text []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(name, value []byte) bool) { walk(text, Object, yield) }
}

// Elements yields the elements of the array at the beginning of text, each as the
// text from its beginning to the end of the whole. Anything but an array has none.
func Elements(text []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		walk(text, Array, func(_, value []byte) bool { return yield(value) })
	}
}

func walk(text []byte, kind Kind, yield func(name, value []byte) bool) {
	s := New(text)
	if s.Kind() != kind || !s.Open() {
		return
	}
	for first := true; ; first = false {
		name, more, _ := s.Next(kind, first)
		if !more || !yield(name, s.Rest()) || !s.Skip() {
			return
		}
	}
}

// Member returns the text from the beginning of a member's value on, of the
// object at the beginning of text; nil where it has no such member.
func Member(text []byte, name string) []byte {
	s := New(text)
	if s.Kind() != Object || !s.Open() {
		return nil
	}
	for first := true; ; first = false {
		raw, more, _ := s.Next(Object, first)
		switch {
		case !more:
			return nil
		case isName(raw, name):
			return s.Rest()
		case !s.Skip():
			return nil
		}
	}
}

func isName(raw []byte, name string) bool {
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw) == name
	}
	plain, ok := Unescape(nil, raw)
	return ok && string(plain) == name
}

// Unescape appends the characters of a string, whose text between the quotes is
// raw, in UTF-8. ok is false where raw has a bad escape, an unpaired surrogate, a
// control character or invalid UTF-8.
func Unescape(dst, raw []byte) (_ []byte, ok bool) {
	for {
		i := bytes.IndexByte(raw, '\\')
		if i < 0 {
			return append(dst, raw...), isText(raw)
		}
		if !isText(raw[:i]) {
			return dst, false
		}
		r, n := escape(raw[i:])
		if n == 0 {
			return dst, false
		}
		dst = utf8.AppendRune(append(dst, raw[:i]...), r)
		raw = raw[i+n:]
	}
}

func isText(s []byte) bool {
	for _, c := range s {
		if c < ' ' {
			return false
		}
	}
	return utf8.Valid(s)
}

// short are the escapes of one letter, each behind its letter.
const short = "\"\"\\\\//b\bf\fn\nr\rt\t"

// escape returns the character of the escape at the beginning of raw, and its
// length, 0 where it is none.
func escape(raw []byte) (rune, int) {
	if len(raw) < 2 {
		return 0, 0
	}
	if raw[1] != 'u' {
		for i := 0; i < len(short); i += 2 {
			if short[i] == raw[1] {
				return rune(short[i+1]), 2
			}
		}
		return 0, 0
	}
	r, ok := unit(raw)
	if !ok {
		return 0, 0
	}
	if !utf16.IsSurrogate(r) {
		return r, 6
	}
	low, ok := unit(raw[6:])
	if r = utf16.DecodeRune(r, low); !ok || r == utf8.RuneError {
		return 0, 0
	}
	return r, 12
}

// unit reads \uXXXX.
func unit(raw []byte) (rune, bool) {
	if len(raw) < 6 || raw[0] != '\\' || raw[1] != 'u' {
		return 0, false
	}
	n, err := strconv.ParseUint(string(raw[2:6]), 16, 16)
	return rune(n), err == nil
}
