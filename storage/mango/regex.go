package mango

import (
	"errors"
	"regexp"
	"regexp/syntax"
	"unicode/utf8"

	"settle/storage/collate/jsonscan"
	"settle/storage/couch"
)

// maxRegexpSize bounds the regular expressions of one selector, in steps of their
// programs; a step takes some 40 bytes.
const maxRegexpSize = 100_000

// lookaheadSize is what a lookahead takes beside its steps, in the same unit.
const lookaheadSize = 50

// expression is the argument of `$regex`.
type expression struct {
	re    *regexp.Regexp
	ahead []lookahead
}

// compileRegex makes a regular expression that runs over bytes: pattern and
// strings are both taken for Latin-1, in which every byte is a character. arg is
// the pattern's JSON. The error is a BadArgument.
func (s *parser) compileRegex(pattern string, arg []byte) (*expression, error) {
	if len(pattern) > maxRegexpSize {
		return nil, errRegexpSize
	}
	ahead, rest := splitLookaheads(pattern)
	s.regexpSize += len(ahead) * lookaheadSize
	e := &expression{ahead: ahead}
	var err error
	if e.re, err = s.compilePart(rest, arg); err != nil {
		return nil, err
	}
	for i := range ahead {
		if ahead[i].re, err = s.compilePart(ahead[i].pattern, arg); err != nil {
			return nil, err
		}
	}
	return e, nil
}

// compilePart compiles a pattern without lookaheads.
func (s *parser) compilePart(pattern string, arg []byte) (*regexp.Regexp, error) {
	tree, err := syntax.Parse(string(appendLatin1(nil, []byte(pattern))), syntax.Perl)
	if err == nil {
		if s.regexpSize += sizeOf(tree); s.regexpSize > maxRegexpSize {
			return nil, errRegexpSize
		}
		var compiled *regexp.Regexp
		if compiled, err = regexp.Compile(loosenEnds(tree).String()); err == nil {
			return compiled, nil
		}
	}
	if bad, ok := errors.AsType[*syntax.Error](err); ok && isUnsupported(bad.Code) {
		return nil, couch.Errorf(couch.BadArgument, "Unsupported regular expression for operator $regex: %s", term(arg))
	}
	return nil, badArgument("$regex", arg)
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

// match reports whether v is a string that the expression matches.
func (e *expression) match(v []byte) bool {
	s := jsonscan.New(v)
	raw, ok := s.String()
	if !ok {
		return false
	}
	var buf [256]byte
	plain, _ := jsonscan.Unescape(buf[:0], raw)
	for _, c := range plain {
		if c >= utf8.RuneSelf {
			plain = appendLatin1(nil, plain)
			break
		}
	}
	for i := range e.ahead {
		if e.ahead[i].re.Match(plain) == e.ahead[i].absent {
			return false
		}
	}
	return e.re.Match(plain)
}
