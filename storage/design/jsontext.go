package design

import (
	"bytes"
	"slices"
)

// valueEnd returns where a JSON value ends that stands in front of others, or at the
// end, of an object or array whose text goes on behind it; len(text) where it does not
// end.
func valueEnd[T string | []byte](text T) int {
	depth := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"':
			i += stringEnd(text[i:]) - 1
		case '{', '[':
			depth++
		case ',':
			if depth == 0 {
				return i
			}
		case '}', ']':
			if depth--; depth < 0 {
				return i
			}
		}
	}
	return len(text)
}

// stringEnd returns how long the JSON string is that text begins with.
func stringEnd[T string | []byte](text T) int {
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(text)
}

// appendObject appends a JSON object with those of its members that have one of the
// names; with all where names is nil. One whose name is not written plainly stays
// too, and one whose text is not compact stays as it is.
func appendObject(dst, object []byte, names []string) []byte {
	if names == nil || len(object) < 2 || object[0] != '{' {
		return append(dst, object...)
	}
	start := len(dst)
	dst = append(dst, '{')
	for rest := object[1:]; string(rest) != "}"; {
		colon := stringEnd(rest)
		if rest[0] != '"' || colon >= len(rest) || rest[colon] != ':' {
			return append(dst[:start], object...)
		}
		end := colon + 1 + valueEnd(rest[colon+1:])
		if name := rest[1 : colon-1]; bytes.IndexByte(name, '\\') >= 0 || slices.Contains(names, string(name)) {
			dst = append(append(dst, rest[:end]...), ',')
		}
		switch rest = rest[min(end, len(rest)):]; {
		case len(rest) > 1 && rest[0] == ',':
			rest = rest[1:]
		case string(rest) != "}":
			return append(dst[:start], object...)
		}
	}
	if dst[len(dst)-1] == ',' {
		dst = dst[:len(dst)-1]
	}
	return append(dst, '}')
}
