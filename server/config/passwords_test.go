package config_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"settle/server/config"
)

func TestParsePasswordRules(t *testing.T) {
	for text, want := range map[string][][2]string{
		``:           nil,
		` [ ] `:      nil,
		`["[A-Z]+"]`: {{"[A-Z]+", ""}},
		`[{".{10,}", "At least 10."}, "\\d", {"\d"},{ "\"" }]`: {{".{10,}", "At least 10."}, {`\d`, ""}, {`\d`, ""}, {`"`, ""}},
	} {
		rules, err := config.ParsePasswordRules(text)
		var got [][2]string
		for _, r := range rules {
			got = append(got, [2]string{r.Pattern.String(), r.Reason})
		}
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v %s", text, err, diff)
		}
	}
	for _, text := range []string{`x`, `[`, `["a"`, `["a",]`, `["a"] x`, `["a`, `[{}]`, `[{"a","b","c"}]`, `[5]`, `["("]`, `["(?=a)"]`, `{"a"}`} {
		if _, err := config.ParsePasswordRules(text); err == nil {
			t.Errorf("%s was taken", text)
		}
		c := open(t, &settings{values: map[string][]byte{}})
		if _, err := c.Set(t.Context(), config.PasswordRegexp, text, true); err == nil {
			t.Errorf("%s was set", text)
		}
	}
}

func FuzzParsePasswordRules(f *testing.F) {
	f.Add(`[{".{10,}", "At least 10."}, "\\d"]`)
	f.Fuzz(func(t *testing.T, text string) {
		rules, err := config.ParsePasswordRules(text)
		for _, r := range rules {
			if err == nil && r.Pattern == nil {
				t.Errorf("%q: a rule without a pattern", text)
			}
		}
	})
}
