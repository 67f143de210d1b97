package pattern_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"settle/storage/mango/pattern"
)

// Lookaheads at the beginning, and which of some strings match them: as in Perl.
func TestLookaheads(t *testing.T) {
	texts := []string{"ab", "abc", "ba", "Ab", "é1", "a)", "a\n", ""}
	for text, want := range map[string][]string{
		`^(?!a)`:                 {"ba", "Ab", "é1", ""},
		`^(?!ab)a`:               {"a)", "a\n"},
		`^(?=.*c)(?!b)a`:         {"abc"},
		`^(?=.*a$)`:              {"ba", "a\n"},
		`^(?!a$)a`:               {"ab", "abc", "a)"},
		`(?i)^(?!ab)`:            {"ba", "é1", "a)", "a\n", ""},
		`^(?!a|b).+$`:            {"Ab", "é1"},
		`^(?!.\)|[)b]|[^])c]b).`: {"é1", "a\n"},
		`^(?=..\d)É?`:            {"é1"},
		`^(?=(a|b)+$)`:           {"ab", "ba", "a\n"},
		`^(?=a)(b|ab)`:           {"ab", "abc"},
		`^(?![[:alpha:]]b)`:      {"ba", "é1", "a)", "a\n", ""},
	} {
		expression, err := new(pattern.Compiler).Compile(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		matched := slices.DeleteFunc(slices.Clone(texts), func(s string) bool { return !expression.Match([]byte(s)) })
		if diff := cmp.Diff(want, matched); diff != "" {
			t.Errorf("%s: %s", text, diff)
		}
	}
}

func TestRefused(t *testing.T) {
	for text, want := range map[string]error{
		`a(?=b)`: pattern.ErrUnsupported, `^(?!a)b|c`: pattern.ErrUnsupported, `^(?!x)[[:]a|b]`: pattern.ErrUnsupported, `^(?=a)*b`: pattern.ErrUnsupported,
		`^(?!a(?=b))`: pattern.ErrUnsupported, `^(?=\Qa\E)b`: pattern.ErrUnsupported, `^a(?!b)`: pattern.ErrUnsupported,
		`(?m)^(?!a)`: pattern.ErrUnsupported, `(a)\1`: pattern.ErrUnsupported, `a++`: pattern.ErrUnsupported, `^(?=[a)b`: pattern.ErrUnsupported,
		"^" + strings.Repeat("(?!a)", 10_000): pattern.ErrTooLarge, strings.Repeat("a", 100_001): pattern.ErrTooLarge,
	} {
		if _, err := new(pattern.Compiler).Compile(text); !errors.Is(err, want) {
			t.Errorf("%.40s: %v, want %v", text, err, want)
		}
	}
	for _, text := range []string{`(`, `[`, `*`} {
		if _, err := new(pattern.Compiler).Compile(text); err == nil || errors.Is(err, pattern.ErrUnsupported) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// What one compiler makes is bounded together.
func TestCompilerIsBounded(t *testing.T) {
	var c pattern.Compiler
	for range 100 {
		if _, err := c.Compile(".{999}"); err != nil {
			return
		}
	}
	t.Error("100 expressions of 999 steps are too few to be too large")
}
