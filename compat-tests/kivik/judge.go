package kivik

import (
	"fmt"
	"slices"
	"strings"
)

// Verdict is an outcome as the list of pending subtests sees it. It is a
// failure if there is a Problem, and pending if there is a Feature and none.
type Verdict struct {
	Outcome
	Feature string // what the subtest waits for
	Problem string // why the run fails
	Above   bool   // failed only because a subtest did, whose verdict says the rest
}

// Judge weighs every outcome, and every entry of the list that has none.
func Judge(outcomes []Outcome, pending []Pending) []Verdict {
	features := map[string]string{}
	for _, p := range pending {
		features[p.Subtest] = p.Feature
	}
	verdicts := make([]Verdict, 0, len(outcomes))
	for i, o := range outcomes {
		feature, listed := features[o.Name]
		delete(features, o.Name)
		v := Verdict{Outcome: o, Feature: feature}
		// Subtests begin after the test that they are part of.
		v.Above = o.Result == Failed && strings.TrimSpace(o.Log) == "" && slices.ContainsFunc(outcomes[i+1:], func(other Outcome) bool {
			return other.Result != Passed && below(other.Name, o.Name)
		})
		v.Problem = problem(o, listed, v.Above)
		verdicts = append(verdicts, v)
	}
	for _, p := range pending {
		if _, left := features[p.Subtest]; left {
			verdicts = append(verdicts, Verdict{Outcome: Outcome{Name: p.Subtest}, Feature: p.Feature, Problem: "is listed as pending, but did not run"})
		}
	}
	return verdicts
}

func problem(o Outcome, listed, above bool) string {
	switch {
	case o.Result == "":
		return "was cut short"
	case o.Result == Skipped:
		return "was skipped"
	case o.Result == Passed && listed:
		return "is no longer pending"
	case above && listed:
		return "fails only because a subtest does; list that one"
	case o.Result == Failed && !listed && !above:
		return "failed"
	}
	return ""
}

// Tally counts verdicts.
type Tally struct{ Passed, Pending, Failed int }

// Count counts verdicts. Where only subtests failed, they alone count, and the
// test at the top counts only if there is a problem with it.
func Count(verdicts []Verdict) Tally {
	var t Tally
	for _, v := range verdicts {
		switch {
		case v.Problem != "":
			t.Failed++
		case v.Above || v.Name == "":
		case v.Feature != "":
			t.Pending++
		default:
			t.Passed++
		}
	}
	return t
}

func (t Tally) String() string {
	return fmt.Sprintf("%d passed, %d pending, %d failed", t.Passed, t.Pending, t.Failed)
}
