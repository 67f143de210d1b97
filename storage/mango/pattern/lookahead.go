package pattern

import (
	"iter"
	"regexp"
	"strings"
)

// lookahead is a regular expression that must match as well, or must not.
type lookahead struct {
	pattern string
	absent  bool
	re      *regexp.Regexp
}

// anchored is what a pattern begins with that can only match at a string's beginning.
var anchored = regexp.MustCompile(`^(\(\?[is]+\))?\^`)

// splitLookaheads parts the lookaheads at a string's beginning, "^(?!this)", from the rest
// of a pattern: Go's regexp has none, but as nothing stands before them they are
// expressions of their own. Others it leaves in the pattern.
func splitLookaheads(pattern string) (ahead []lookahead, rest string) {
	start := anchored.FindString(pattern)
	if start == "" || strings.Contains(pattern, `\Q`) {
		return nil, pattern
	}
	rest = pattern[len(start):]
	for strings.HasPrefix(rest, "(?=") || strings.HasPrefix(rest, "(?!") {
		end := groupEnd(rest)
		if end < 0 {
			return nil, pattern
		}
		ahead = append(ahead, lookahead{pattern: start + "(?:" + rest[len("(?="):end-1] + ")", absent: rest[2] == '!'})
		rest = rest[end:]
	}
	if hasAlternatives(rest) || rest != "" && strings.Contains("*+?{", rest[:1]) {
		return nil, pattern
	}
	return ahead, start + rest
}

// groupEnd returns where the group ends that a pattern begins with; -1 where it does not.
func groupEnd(pattern string) int {
	depth := 0
	for i, c := range delimiters(pattern) {
		switch c {
		case '(':
			depth++
		case ')':
			depth--
		}
		if depth == 0 {
			return i + 1
		}
	}
	return -1
}

// hasAlternatives reports whether a pattern has several, not in a group.
func hasAlternatives(pattern string) bool {
	depth := 0
	for _, c := range delimiters(pattern) {
		switch c {
		case '(':
			depth++
		case ')':
			depth--
		case '|':
			if depth == 0 {
				return true
			}
		}
	}
	return false
}

// delimiters yields the places of "(", ")" and "|" that stand for themselves neither
// behind a backslash nor in a class of characters.
func delimiters(pattern string) iter.Seq2[int, byte] {
	return func(yield func(int, byte) bool) {
		for i := 0; i < len(pattern); i++ {
			switch c := pattern[i]; c {
			case '\\':
				i++
			case '[':
				i = classEnd(pattern, i)
			case '(', ')', '|':
				if !yield(i, c) {
					return
				}
			}
		}
	}
}

// namedClass is a class by name within one, such as [:digit:].
var namedClass = regexp.MustCompile(`^\[:\^?[a-z]*:\]`)

// classEnd returns where a class of characters ends: at its "]", or with the pattern.
func classEnd(pattern string, at int) int {
	i := at + 1
	if strings.HasPrefix(pattern[i:], "^") {
		i++
	}
	if strings.HasPrefix(pattern[i:], "]") { // there it is a character
		i++
	}
	for ; i < len(pattern) && pattern[i] != ']'; i++ {
		if pattern[i] == '\\' {
			i++
		} else if name := namedClass.FindString(pattern[i:]); name != "" {
			i += len(name) - 1
		}
	}
	return i
}
