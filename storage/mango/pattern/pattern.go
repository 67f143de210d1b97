package pattern

import (
	"errors"
	"regexp"
	"regexp/syntax"
	"unicode/utf8"
)

// maxSize bounds the expressions of one Compiler, in steps of their programs; a step takes
// some 40 bytes.
const maxSize = 100_000

// lookaheadSize is what a lookahead takes beside its steps, in the same unit.
const lookaheadSize = 50

// Why a pattern is refused that may be a regular expression.
var (
	ErrTooLarge    = errors.New("pattern: too large")
	ErrUnsupported = errors.New("pattern: unsupported")
)

// Compiler makes the expressions of one selector. The zero value is ready for use.
type Compiler struct {
	size int // of all so far
}

// Expression is a regular expression. It is safe for concurrent use.
type Expression struct {
	re    *regexp.Regexp
	ahead []lookahead
}

// Compile makes an expression that runs over bytes: the pattern and what it is matched
// with are both taken for Latin-1, in which every byte is a character. Errors are
// ErrTooLarge, ErrUnsupported, and others for what is no regular expression.
func (c *Compiler) Compile(pattern string) (*Expression, error) {
	if len(pattern) > maxSize {
		return nil, ErrTooLarge
	}
	ahead, rest := splitLookaheads(pattern)
	c.size += len(ahead) * lookaheadSize
	e := &Expression{ahead: ahead}
	var err error
	if e.re, err = c.compile(rest); err != nil {
		return nil, err
	}
	for i := range ahead {
		if ahead[i].re, err = c.compile(ahead[i].pattern); err != nil {
			return nil, err
		}
	}
	return e, nil
}

// compile makes an expression of a pattern without lookaheads.
func (c *Compiler) compile(pattern string) (*regexp.Regexp, error) {
	tree, err := syntax.Parse(string(appendLatin1(nil, []byte(pattern))), syntax.Perl)
	if err == nil {
		if c.size += sizeOf(tree); c.size > maxSize {
			return nil, ErrTooLarge
		}
		var compiled *regexp.Regexp
		if compiled, err = regexp.Compile(loosenEnds(tree).String()); err == nil {
			return compiled, nil
		}
	}
	if bad, ok := errors.AsType[*syntax.Error](err); ok && isUnsupported(bad.Code) {
		return nil, ErrUnsupported
	}
	return nil, err
}

// sizeOf is about how many steps an expression's program has.
func sizeOf(re *syntax.Regexp) int {
	size := 1 + len(re.Rune)
	for _, sub := range re.Sub {
		size += sizeOf(sub)
	}
	if re.Op == syntax.OpRepeat {
		size *= max(re.Min, re.Max, 1)
	}
	return size
}

// isUnsupported tells what PCRE may understand from what is no regular expression.
func isUnsupported(code syntax.ErrorCode) bool {
	switch code {
	case syntax.ErrInvalidPerlOp, syntax.ErrInvalidEscape, syntax.ErrInvalidRepeatSize, syntax.ErrInvalidCharRange,
		syntax.ErrInvalidRepeatOp, syntax.ErrLarge, syntax.ErrNestingDepth:
		return true
	}
	return false
}

// loosenEnds lets every "$" match before a newline that ends the string.
func loosenEnds(re *syntax.Regexp) *syntax.Regexp {
	if re.Op == syntax.OpEndText && re.Flags&syntax.WasDollar != 0 {
		newline := &syntax.Regexp{Op: syntax.OpLiteral, Rune: []rune{'\n'}}
		optional := &syntax.Regexp{Op: syntax.OpQuest, Sub: []*syntax.Regexp{newline}}
		end := &syntax.Regexp{Op: syntax.OpEndText}
		return &syntax.Regexp{Op: syntax.OpConcat, Sub: []*syntax.Regexp{optional, end}}
	}
	for i, sub := range re.Sub {
		re.Sub[i] = loosenEnds(sub)
	}
	return re
}

// appendLatin1 appends every byte of s as the character with that number.
func appendLatin1(dst, s []byte) []byte {
	for _, c := range s {
		dst = utf8.AppendRune(dst, rune(c))
	}
	return dst
}

// Match reports whether the expression matches the text, or a part of it.
func (e *Expression) Match(text []byte) bool {
	for _, c := range text {
		if c >= utf8.RuneSelf {
			text = appendLatin1(nil, text)
			break
		}
	}
	for i := range e.ahead {
		if e.ahead[i].re.Match(text) == e.ahead[i].absent {
			return false
		}
	}
	return e.re.Match(text)
}
