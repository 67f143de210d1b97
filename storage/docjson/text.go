package docjson

import "unicode/utf8"

// stringPart returns the next piece of the string whose opening quote has been
// read, decoded, or done behind the closing quote. The piece is valid UTF-8, and
// valid until the next call. A piece of more than four bytes has no character
// that needs an escape.
func (r *Reader) stringPart() (part []byte, done bool, err error) {
	for {
		if r.pos == r.end {
			if err := r.fill(); err != nil {
				return nil, false, r.fail(err)
			}
		}
		rest := r.buf[r.pos:r.end]
		n := plainPrefix(rest)
		if n == len(rest) {
			n -= partialRune(rest)
		}
		if n > 0 {
			if !utf8.Valid(rest[:n]) {
				return nil, false, r.fail(errInvalid)
			}
			r.pos += n
			return rest[:n], false, nil
		}
		switch c := rest[0]; {
		case c == '"':
			r.pos++
			return nil, true, nil
		case c == '\\':
			r.pos++
			part, err := r.escape()
			return part, false, err
		case c < ' ':
			return nil, false, r.fail(errInvalid)
		}
		// A character that the buffer ends in the middle of.
		if err := r.fill(); err != nil {
			return nil, false, r.fail(err)
		}
	}
}

// plainPrefix returns how many bytes stand before the first that ends a string,
// begins an escape or must not be in a string.
func plainPrefix(s []byte) int {
	for i, c := range s {
		if c < ' ' || c == '"' || c == '\\' {
			return i
		}
	}
	return len(s)
}

// partialRune returns how many bytes at the end of s begin a character that
// more bytes may complete.
func partialRune(s []byte) int {
	for n := 1; n < utf8.UTFMax && n <= len(s); n++ {
		if tail := s[len(s)-n:]; utf8.RuneStart(tail[0]) {
			if utf8.FullRune(tail) {
				return 0
			}
			return n
		}
	}
	return 0
}

// escape reads what follows a backslash and returns the character's UTF-8.
func (r *Reader) escape() ([]byte, error) {
	c, err := r.take()
	if err != nil {
		return nil, err
	}
	out := r.rune[:0]
	switch c {
	case '"', '\\', '/':
		return append(out, c), nil
	case 'b':
		return append(out, '\b'), nil
	case 'f':
		return append(out, '\f'), nil
	case 'n':
		return append(out, '\n'), nil
	case 'r':
		return append(out, '\r'), nil
	case 't':
		return append(out, '\t'), nil
	case 'u':
		char, err := r.unicode()
		if err != nil {
			return nil, err
		}
		return utf8.AppendRune(out, char), nil
	}
	return nil, r.fail(errInvalid)
}

// unicode reads what follows \u: four hexadecimal digits, or a surrogate pair.
func (r *Reader) unicode() (rune, error) {
	hi, err := r.hex4()
	if err != nil || hi < 0xd800 || hi > 0xdfff {
		return hi, err
	}
	for _, want := range []byte(`\u`) {
		if c, err := r.take(); err != nil || c != want {
			return 0, r.fail(errInvalid)
		}
	}
	lo, err := r.hex4()
	if err != nil {
		return 0, err
	}
	if hi > 0xdbff || lo < 0xdc00 || lo > 0xdfff {
		return 0, r.fail(errInvalid)
	}
	return 0x10000 + (hi-0xd800)<<10 + (lo - 0xdc00), nil
}

func (r *Reader) hex4() (rune, error) {
	var v rune
	for range 4 {
		c, err := r.take()
		if err != nil {
			return 0, err
		}
		switch {
		case c >= '0' && c <= '9':
			v = v<<4 | rune(c-'0')
		case c >= 'a' && c <= 'f':
			v = v<<4 | rune(c-'a'+10)
		case c >= 'A' && c <= 'F':
			v = v<<4 | rune(c-'A'+10)
		default:
			return 0, r.fail(errInvalid)
		}
	}
	return v, nil
}

// AppendString appends s as the JSON string that CouchDB prints. s must be valid
// UTF-8.
func AppendString[T string | []byte](dst []byte, s T) []byte {
	return append(appendEscaped(append(dst, '"'), s), '"')
}

func appendEscaped[T string | []byte](dst []byte, s T) []byte {
	const hex = "0123456789ABCDEF"
	from := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		dst = append(append(dst, s[from:i]...), '\\')
		from = i + 1
		switch c {
		case '"', '\\':
			dst = append(dst, c)
		case '\b':
			dst = append(dst, 'b')
		case '\f':
			dst = append(dst, 'f')
		case '\n':
			dst = append(dst, 'n')
		case '\r':
			dst = append(dst, 'r')
		case '\t':
			dst = append(dst, 't')
		default:
			dst = append(dst, 'u', '0', '0', hex[c>>4], hex[c&15])
		}
	}
	return append(dst, s[from:]...)
}
