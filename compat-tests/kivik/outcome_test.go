package kivik_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"settle/compat-tests/kivik"
)

// printed is a run in which ^ stands for the marker of test2json.
func printed(lines ...string) []byte {
	return []byte(strings.ReplaceAll(strings.Join(lines, "\n")+"\n", "^", "\x16"))
}

func TestParseOutcomes(t *testing.T) {
	tests := []struct {
		name  string
		lines []string
		want  []kivik.Outcome
	}{
		{"nothing", nil, nil},
		{"nested", []string{
			"^=== RUN   TestKivik", "^=== RUN   TestKivik/A", "^=== RUN   TestKivik/A/b",
			"^--- PASS: TestKivik/A/b (0.00s)", "^--- PASS: TestKivik/A (0.01s)", "^--- PASS: TestKivik (0.02s)", "^PASS",
		}, []kivik.Outcome{{"", kivik.Passed, ""}, {"A", kivik.Passed, ""}, {"A/b", kivik.Passed, ""}}},
		{"log of each", []string{
			"^=== RUN   TestKivik", "    x.go:1: zero", "^=== RUN   TestKivik/A", "^=== PAUSE TestKivik/A", "^=== RUN   TestKivik/B", "^=== PAUSE TestKivik/B",
			"^=== CONT  TestKivik/A", "    x.go:2: one", "^=== NAME  TestKivik/B", "    x.go:3: two", "        2 more", "^=== NAME  TestKivik/A", "    x.go:4: three",
			"^--- FAIL: TestKivik/A (0.00s)", "^--- SKIP: TestKivik/B (0.00s)", "^--- FAIL: TestKivik (0.02s)", "^FAIL", "exit status 1",
		}, []kivik.Outcome{
			{"", kivik.Failed, "    x.go:1: zero\n"},
			{"A", kivik.Failed, "    x.go:2: one\n    x.go:4: three\n"},
			{"B", kivik.Skipped, "    x.go:3: two\n        2 more\n"},
		}},
		{"cut short", []string{"^=== RUN   TestKivik", "^=== RUN   TestKivik/A", "panic: out"}, []kivik.Outcome{{"", "", ""}, {"A", "", "panic: out\n"}}},
		{"a log that looks like a result", []string{"^=== RUN   TestKivik", "    --- PASS: TestKivik/A (0.00s)"},
			[]kivik.Outcome{{"", "", "    --- PASS: TestKivik/A (0.00s)\n"}}},
		{"a marker after text without a newline", []string{"^=== RUN   TestKivik", "text^--- PASS: TestKivik (0.00s)"}, []kivik.Outcome{{"", kivik.Passed, ""}}},
		{"an indented result", []string{"^=== RUN   TestKivik", "    ^--- PASS: TestKivik/A.b (1.50s)"}, []kivik.Outcome{{"", "", ""}, {"A.b", kivik.Passed, ""}}},
		{"before any test", []string{"warning"}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, kivik.ParseOutcomes(printed(tt.lines...))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func FuzzParseOutcomes(f *testing.F) {
	f.Add(printed("^=== RUN   TestKivik", "^=== RUN   TestKivik/A", "log", "^--- FAIL: TestKivik/A (0.00s)", "^--- FAIL: TestKivik (0.00s)"))
	f.Add([]byte("\x16"))
	f.Fuzz(func(t *testing.T, text []byte) {
		seen := map[string]bool{}
		for _, o := range kivik.ParseOutcomes(text) {
			if seen[o.Name] {
				t.Errorf("two outcomes of %q", o.Name)
			}
			seen[o.Name] = true
		}
	})
}
