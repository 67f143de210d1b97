package jsonscan

import "bytes"

// Kind is the kind of a JSON value. The kinds stand in CouchDB's order of values.
type Kind byte

// The kinds of values; Invalid is where no value begins.
const (
	Invalid Kind = iota
	Null
	False
	True
	Number
	String
	Array
	Object
)

// Scanner reads one text from the left. The zero value stands before an empty
// text. It may be copied, to go back to where it stood.
type Scanner struct {
	text []byte
	pos  int
}

// New returns a Scanner that stands at the beginning of text.
func New(text []byte) Scanner { return Scanner{text: text} }

// Rest returns what is not yet read.
func (s *Scanner) Rest() []byte { return s.text[s.pos:] }

// Kind says what the next value is, by its first byte.
func (s *Scanner) Kind() Kind {
	s.space()
	if s.pos == len(s.text) {
		return Invalid
	}
	switch c := s.text[s.pos]; c {
	case 'n':
		return Null
	case 'f':
		return False
	case 't':
		return True
	case '"':
		return String
	case '[':
		return Array
	case '{':
		return Object
	default:
		if c == '-' || c >= '0' && c <= '9' {
			return Number
		}
		return Invalid
	}
}

func (s *Scanner) space() {
	for s.pos < len(s.text) {
		switch s.text[s.pos] {
		case ' ', '\t', '\r', '\n':
			s.pos++
		default:
			return
		}
	}
}

// take reads c, and white space before it.
func (s *Scanner) take(c byte) bool {
	s.space()
	if s.pos < len(s.text) && s.text[s.pos] == c {
		s.pos++
		return true
	}
	return false
}

// Literal reads null, true or false.
func (s *Scanner) Literal() bool {
	var word string
	switch s.Kind() {
	case Null:
		word = "null"
	case True:
		word = "true"
	case False:
		word = "false"
	}
	if word == "" || !bytes.HasPrefix(s.Rest(), []byte(word)) {
		return false
	}
	s.pos += len(word)
	return true
}

// Number reads the characters of a number; whether they are one is not checked.
func (s *Scanner) Number() []byte {
	s.space()
	start := s.pos
	for s.pos < len(s.text) && isNumberByte(s.text[s.pos]) {
		s.pos++
	}
	return s.text[start:s.pos]
}

func isNumberByte(c byte) bool {
	return c >= '0' && c <= '9' || c == '.' || c == '-' || c == '+' || c == 'e' || c == 'E'
}

// String reads a string and returns what stands between its quotes, with the
// escapes as they are; see Unescape.
func (s *Scanner) String() (raw []byte, ok bool) {
	if !s.take('"') {
		return nil, false
	}
	start := s.pos
	for {
		i := bytes.IndexByte(s.text[s.pos:], '"')
		if i < 0 {
			s.pos = len(s.text)
			return nil, false
		}
		s.pos += i + 1
		if !escaped(s.text[start : s.pos-1]) {
			return s.text[start : s.pos-1], true
		}
	}
}

// escaped reports whether a quote behind text is escaped.
func escaped(text []byte) bool {
	n := 0
	for n < len(text) && text[len(text)-1-n] == '\\' {
		n++
	}
	return n%2 == 1
}

// Open reads the opening bracket of an array or object.
func (s *Scanner) Open() bool { return s.take('[') || s.take('{') }

// Next moves to the next element of an array, or to the value of the next member
// of an object, whose name it returns as String does. It reports whether there
// is one; otherwise, unless ok is false, it has read the closing bracket.
func (s *Scanner) Next(kind Kind, first bool) (name []byte, more, ok bool) {
	closing := byte(']')
	if kind == Object {
		closing = '}'
	}
	if s.take(closing) {
		return nil, false, true
	}
	if !first && !s.take(',') {
		return nil, false, false
	}
	if kind == Object {
		if name, ok = s.String(); !ok || !s.take(':') {
			return nil, false, false
		}
	}
	return name, s.Kind() != Invalid, s.Kind() != Invalid
}

// Value reads any value and returns its text; nil where there is none.
func (s *Scanner) Value() []byte {
	s.space()
	start := s.pos
	if !s.Skip() {
		return nil
	}
	return s.text[start:s.pos]
}

// Skip reads any value.
func (s *Scanner) Skip() bool {
	switch s.Kind() {
	case Invalid:
		return false
	case Number:
		s.Number()
		return true
	case String:
		_, ok := s.String()
		return ok
	case Array, Object:
		return s.skipNested()
	}
	return s.Literal()
}

// skipNested reads to the bracket that closes the next one.
func (s *Scanner) skipNested() bool {
	for depth := 0; s.pos < len(s.text); {
		switch s.text[s.pos] {
		case '"':
			if _, ok := s.String(); !ok {
				return false
			}
			continue
		case '[', '{':
			depth++
		case ']', '}':
			if depth--; depth == 0 {
				s.pos++
				return true
			}
		}
		s.pos++
	}
	return false
}
