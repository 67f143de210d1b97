package mango_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"settle/storage/mango"
)

// Lookaheads at the beginning, and which of some strings match them: as in Perl.
func TestLookaheads(t *testing.T) {
	texts := []string{"ab", "abc", "ba", "Ab", "é1", "a)", "a\n", ""}
	for pattern, want := range map[string]string{
		`^(?!a)`:                 `"ba" "Ab" "é1" ""`,
		`^(?!ab)a`:               `"a)" "a\n"`,
		`^(?=.*c)(?!b)a`:         `"abc"`,
		`^(?=.*a$)`:              `"ba" "a\n"`,
		`^(?!a$)a`:               `"ab" "abc" "a)"`,
		`(?i)^(?!ab)`:            `"ba" "é1" "a)" "a\n" ""`,
		`^(?!a|b).+$`:            `"Ab" "é1"`,
		`^(?!.\)|[)b]|[^])c]b).`: `"é1" "a\n"`,
		`^(?=..\d)É?`:            `"é1"`,
		`^(?=(a|b)+$)`:           `"ab" "ba" "a\n"`,
		`^(?=a)(b|ab)`:           `"ab" "abc"`,
	} {
		selector := fmt.Sprintf(`{"t":{"$regex":%s}}`, quoted(t, pattern))
		parsed, err := mango.Parse([]byte(selector))
		if err != nil {
			t.Errorf("%s: %v", pattern, err)
			continue
		}
		var matched []string
		for _, text := range texts {
			if parsed.Match([]byte(`{"t":` + quoted(t, text) + `}`)) {
				matched = append(matched, quoted(t, text))
			}
		}
		if got := strings.Join(matched, " "); got != want {
			t.Errorf("%s matches %s, want %s", pattern, got, want)
		}
	}
	for _, pattern := range []string{`a(?=b)`, `^(?!a)b|c`, `^(?=a)*b`, `^(?<=a)b`, `^(?!a(?=b))`, `^(?=\Qa\E)b`, `^(?!a`, `^(?=[a)b`, `^a(?!b)`, `(?m)^(?!a)`} {
		if _, err := mango.Parse([]byte(fmt.Sprintf(`{"t":{"$regex":%s}}`, quoted(t, pattern)))); !strings.HasPrefix(describe(err), "bad_arg") {
			t.Errorf("%s: %s", pattern, describe(err))
		}
	}
}

func TestManyLookaheads(t *testing.T) {
	pattern := "^" + strings.Repeat("(?!a)", 10_000)
	if _, err := mango.Parse([]byte(`{"t":{"$regex":"` + pattern + `"}}`)); describe(err) != "bad_arg The regular expressions of the selector are too large." {
		t.Error(describe(err))
	}
}

func quoted(t *testing.T, s string) string {
	t.Helper()
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
