package kivik_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"settle/compat-tests/kivik"
)

func TestJudge(t *testing.T) {
	tests := []struct {
		name     string
		outcomes []kivik.Outcome
		pending  []kivik.Pending
		problems map[string]string
		tally    kivik.Tally
	}{
		{
			name:     "all pass",
			outcomes: []kivik.Outcome{{"", kivik.Passed, ""}, {"A", kivik.Passed, "a note"}, {"A/b", kivik.Passed, ""}},
			tally:    kivik.Tally{Passed: 2},
		},
		{
			name:     "a failure",
			outcomes: []kivik.Outcome{{"", kivik.Failed, ""}, {"A", kivik.Failed, ""}, {"A/b", kivik.Failed, "409"}, {"A/c", kivik.Passed, ""}},
			problems: map[string]string{"A/b": "failed"},
			tally:    kivik.Tally{Passed: 1, Failed: 1},
		},
		{
			name:     "a failure without a word",
			outcomes: []kivik.Outcome{{"", kivik.Failed, ""}, {"A", kivik.Failed, ""}, {"Ab/c", kivik.Failed, "unrelated"}},
			pending:  []kivik.Pending{{"Ab/c", "views"}},
			problems: map[string]string{"A": "failed"},
			tally:    kivik.Tally{Pending: 1, Failed: 1},
		},
		{
			name:     "pending",
			outcomes: []kivik.Outcome{{"", kivik.Failed, ""}, {"A", kivik.Failed, ""}, {"A/b", kivik.Failed, "404"}},
			pending:  []kivik.Pending{{"A/b", "mango"}},
			tally:    kivik.Tally{Pending: 1},
		},
		{
			name:     "a failure above a pending subtest",
			outcomes: []kivik.Outcome{{"", kivik.Failed, ""}, {"A", kivik.Failed, "its own"}, {"A/b", kivik.Failed, "404"}},
			pending:  []kivik.Pending{{"A/b", "mango"}},
			problems: map[string]string{"A": "failed"},
			tally:    kivik.Tally{Pending: 1, Failed: 1},
		},
		{
			name:     "no longer pending",
			outcomes: []kivik.Outcome{{"", kivik.Passed, ""}, {"A", kivik.Passed, ""}},
			pending:  []kivik.Pending{{"A", "mango"}},
			problems: map[string]string{"A": "is no longer pending"},
			tally:    kivik.Tally{Failed: 1},
		},
		{
			name:     "the suite is listed instead of its subtest",
			outcomes: []kivik.Outcome{{"", kivik.Failed, ""}, {"A", kivik.Failed, ""}, {"A/b", kivik.Failed, "404"}},
			pending:  []kivik.Pending{{"A", "mango"}},
			problems: map[string]string{"A": "fails only because a subtest does; list that one", "A/b": "failed"},
			tally:    kivik.Tally{Failed: 2},
		},
		{
			name:     "listed but gone",
			outcomes: []kivik.Outcome{{"", kivik.Passed, ""}},
			pending:  []kivik.Pending{{"A", "mango"}},
			problems: map[string]string{"A": "is listed as pending, but did not run"},
			tally:    kivik.Tally{Failed: 1},
		},
		{
			name:     "skipped, and cut short",
			outcomes: []kivik.Outcome{{"", "", ""}, {"A", kivik.Skipped, ""}, {"B", "", "panic"}},
			pending:  []kivik.Pending{{"B", "mango"}},
			problems: map[string]string{"": "was cut short", "A": "was skipped", "B": "was cut short"},
			tally:    kivik.Tally{Failed: 3},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			verdicts := kivik.Judge(tt.outcomes, tt.pending)
			problems := map[string]string{}
			for _, v := range verdicts {
				if v.Problem != "" {
					problems[v.Name] = v.Problem
				}
			}
			if tt.problems == nil {
				tt.problems = map[string]string{}
			}
			if diff := cmp.Diff(tt.problems, problems); diff != "" {
				t.Error(diff)
			}
			if got := kivik.Count(verdicts); got != tt.tally {
				t.Errorf("Count = %v, want %v", got, tt.tally)
			}
		})
	}
}

func TestUpdatePending(t *testing.T) {
	outcomes := []kivik.Outcome{
		{"", kivik.Failed, ""},
		{"Stats", kivik.Failed, ""},
		{"Stats/Admin", kivik.Failed, ""},
		{"Stats/Admin/_users", kivik.Failed, "404"},
		{"Stats/Admin/_duck", kivik.Failed, "404"}, // waits for nothing: a bug
		{"Security/Admin/_replicator", kivik.Failed, "404"},
		{"Find/RW/Admin", kivik.Failed, "404"},
		{"Explain/RW/Admin", kivik.Passed, ""},
		{"Query/RW/Admin", kivik.Failed, "404"},
	}
	listed := []kivik.Pending{{"Explain/RW/Admin", "mango"}, {"Gone", "mango"}, {"Query/RW/Admin", "reduce"}}
	want := []kivik.Pending{
		{"Find/RW/Admin", "mango"},
		{"Query/RW/Admin", "reduce"},
		{"Security/Admin/_replicator", "replicator"},
		{"Stats/Admin/_users", "users"},
	}
	if diff := cmp.Diff(want, kivik.UpdatePending(kivik.Judge(outcomes, listed))); diff != "" {
		t.Error(diff)
	}
}

func TestPendingText(t *testing.T) {
	list := []kivik.Pending{{"A/b", "mango"}, {"B", "views"}}
	text, err := kivik.FormatPending(list)
	if err != nil {
		t.Fatal(err)
	}
	back, err := kivik.ParsePending(text)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(list, back); diff != "" {
		t.Error(diff)
	}
	for _, bad := range []string{
		``, `{}`, `[] []`,
		`[{"subtest":"A"}]`, `[{"feature":"views"}]`,
		`[{"subtest":"A","feature":"views","note":1}]`,
		`[{"subtest":"A","feature":"views"},{"subtest":"A","feature":"mango"}]`,
		`[{"subtest":"B","feature":"views"},{"subtest":"A","feature":"views"}]`,
	} {
		if list, err := kivik.ParsePending([]byte(bad)); err == nil {
			t.Errorf("ParsePending(%s) = %v", bad, list)
		}
	}
}

func TestUnused(t *testing.T) {
	profile := map[string]any{
		"A.databases": 1, "A/Admin.status": 1, "A/Admin/foo.txt.status": 1,
		"B/RW/Admin/Warning.warning": 1, // would run once B/RW/Admin passes
		"A/Admn.status":              1, "C.status": 1,
	}
	outcomes := []kivik.Outcome{
		{"", kivik.Failed, ""}, {"A", kivik.Passed, ""}, {"A/Admin", kivik.Passed, ""}, {"A/Admin/foo.txt", kivik.Passed, ""},
		{"B/RW/Admin", kivik.Failed, "404"},
	}
	if diff := cmp.Diff([]string{"A/Admn.status", "C.status"}, kivik.Unused(profile, outcomes)); diff != "" {
		t.Error(diff)
	}
}
