package docjson

import (
	"encoding/binary"
	"unicode/utf8"
)

// maxBuild bounds a builder whatever its caller asks for, so that offsets into
// text and term, which are up to six times the counted size, fit in 32 bits.
const maxBuild = 512 << 20

// builder collects a value in the form that CouchDB prints and, where withTerm
// is set, its external term.
type builder struct {
	text, term []byte
	withTerm   bool
	size       int64 // as CouchDB counts it against max_document_size
	limit      int64
	over       error // what is returned beyond limit
}

// count adds n to the value's size.
func (b *builder) count(n int64) error {
	if b.size += n; b.size > b.limit {
		return b.over
	}
	return nil
}

// build reads one value into b.
func (r *Reader) build(b *builder) error {
	c, err := r.peek()
	if err != nil {
		return err
	}
	switch c {
	case '{':
		err = r.buildObject(b, nil)
	case '[':
		err = r.buildArray(b)
	case '"':
		err = r.buildString(b)
	case 't':
		err = r.buildLiteral(b, "true")
	case 'f':
		err = r.buildLiteral(b, "false")
	case 'n':
		err = r.buildLiteral(b, "null")
	default:
		err = r.buildNumber(b)
	}
	r.values++
	return err
}

func (r *Reader) buildLiteral(b *builder, word string) error {
	if err := r.literal(word); err != nil {
		return err
	}
	b.text = append(b.text, word...)
	if b.withTerm {
		b.term = appendAtomTerm(b.term, word)
	}
	return b.count(int64(len(word)))
}

// literal reads true, false or null.
func (r *Reader) literal(word string) error {
	for i := range len(word) {
		if c, err := r.take(); err != nil {
			return err
		} else if c != word[i] {
			return r.fail(errInvalid)
		}
	}
	return nil
}

func (r *Reader) buildNumber(b *builder) error {
	n, err := r.readNumber()
	if err != nil {
		return err
	}
	if n.isInt {
		b.text = append(b.text, n.text...)
		if b.withTerm {
			b.term = appendIntTerm(b.term, n.text)
		}
		return b.count(int64(len(n.text)))
	}
	b.text = AppendFloat(b.text, n.float)
	if b.withTerm {
		b.term = appendFloatTerm(b.term, n.float)
	}
	return b.count(floatSize(n.float))
}

func (r *Reader) buildString(b *builder) error {
	r.pos++ // the quote
	b.text = append(b.text, '"')
	at := len(b.term)
	if b.withTerm {
		b.term = append(b.term, termBinary, 0, 0, 0, 0)
	}
	if err := b.count(2); err != nil {
		return err
	}
	for {
		part, done, err := r.stringPart()
		if err != nil {
			return err
		}
		if done {
			break
		}
		if err := b.addPart(part); err != nil {
			return err
		}
	}
	b.text = append(b.text, '"')
	if b.withTerm {
		binary.BigEndian.PutUint32(b.term[at+1:], uint32(len(b.term)-at-5))
	}
	return nil
}

// addPart appends a piece of a string, as stringPart returns them.
func (b *builder) addPart(part []byte) error {
	if err := b.count(int64(len(part))); err != nil {
		return err
	}
	if len(part) <= utf8.UTFMax {
		b.text = appendEscaped(b.text, part)
	} else {
		b.text = append(b.text, part...)
	}
	if b.withTerm {
		b.term = append(b.term, part...)
	}
	return nil
}

func (r *Reader) buildArray(b *builder) error {
	if err := r.open('['); err != nil {
		return err
	}
	b.text = append(b.text, '[')
	at := len(b.term)
	if b.withTerm {
		b.term = append(b.term, termList, 0, 0, 0, 0)
	}
	n, allBytes, err := r.buildElements(b)
	if err != nil {
		return err
	}
	b.text = closeText(b.text, n, ']')
	if b.withTerm {
		b.term = closeList(b.term, at, n, allBytes)
	}
	return b.count(bracketSize(n))
}

func (r *Reader) buildElements(b *builder) (n int, allBytes bool, err error) {
	allBytes = true
	for {
		more, err := r.next(']', n == 0)
		if err != nil || !more {
			return n, allBytes, err
		}
		at := len(b.term)
		if err := r.build(b); err != nil {
			return n, false, err
		}
		b.text = append(b.text, ',')
		if err := b.count(1); err != nil {
			return n, false, err
		}
		allBytes = allBytes && b.withTerm && b.term[at] == termSmallInt
		n++
	}
}

// closeText puts the closing bracket behind n values, each of which has a comma
// behind it.
func closeText(text []byte, n int, closing byte) []byte {
	if n == 0 {
		return append(text, closing)
	}
	text[len(text)-1] = closing
	return text
}

// bracketSize is what an object's or array's brackets add to its size, where
// each of n values has been counted with a comma.
func bracketSize(n int) int64 {
	if n == 0 {
		return 2
	}
	return 1
}
