package recordings

import (
	"fmt"
	"slices"
)

// Outcome is what became of one exchange.
type Outcome int

// The outcomes of an exchange.
const (
	Passed  Outcome = iota // as recorded, and in no list
	Waiting                // listed as pending, and differs
	Quirky                 // differs in the listed places only, by the listed values
	Failed
)

// Verdict is one exchange's outcome, with the differences found and, where it
// failed, the reason.
type Verdict struct {
	Exchange    int
	Outcome     Outcome
	Differences []Difference
	Problem     string
}

// Tally counts outcomes.
type Tally struct{ Passed, Pending, Quirks, Failed int }

// Add counts other in.
func (t *Tally) Add(other Tally) {
	t.Passed += other.Passed
	t.Pending += other.Pending
	t.Quirks += other.Quirks
	t.Failed += other.Failed
}

func (t Tally) String() string {
	return fmt.Sprintf("%d passed, %d pending, %d quirks, %d failed of %d", t.Passed, t.Pending, t.Quirks, t.Failed,
		t.Passed+t.Pending+t.Quirks+t.Failed)
}

// Count tallies verdicts.
func Count(verdicts []Verdict) Tally {
	var t Tally
	for _, v := range verdicts {
		switch v.Outcome {
		case Passed:
			t.Passed++
		case Waiting:
			t.Pending++
		case Quirky:
			t.Quirks++
		default:
			t.Failed++
		}
	}
	return t
}

// Judge compares a scenario's answers with its recording, one verdict for each
// exchange that has an answer recorded. An exchange that is listed fails when it
// agrees with the recording: the lists only shrink.
func (l *Lists) Judge(s *Scenario, answers []*Answer) []Verdict {
	var verdicts []Verdict
	for i := range s.Exchanges {
		e := &s.Exchanges[i]
		if e.Response == nil {
			continue
		}
		got := answers[i]
		if got == nil {
			got = &Answer{Failure: "not sent"}
		}
		v := Verdict{Exchange: i, Differences: Compare(got, e.Response, e.Volatile)}
		v.Outcome, v.Problem = l.weigh(exchangeID{s.Name, i}, v.Differences)
		verdicts = append(verdicts, v)
	}
	return verdicts
}

// IsPending reports whether the exchange is listed as pending.
func (l *Lists) IsPending(scenario string, exchange int) bool {
	_, ok := l.pending[exchangeID{scenario, exchange}]
	return ok
}

func (l *Lists) weigh(id exchangeID, found []Difference) (Outcome, string) {
	pending, isPending := l.pending[id]
	quirks := l.quirks[id]
	switch {
	case len(found) == 0 && isPending:
		return Failed, fmt.Sprintf("passes as recorded but is listed as pending (%s): take it off the list", pending.Feature)
	case len(found) == 0 && len(quirks) > 0:
		return Failed, fmt.Sprintf("passes as recorded but is listed as a quirk (%s): take it off the list", quirks[0].Quirk)
	case len(found) == 0:
		return Passed, ""
	case isPending:
		return Waiting, ""
	case len(quirks) == 0:
		return Failed, "differs"
	}
	return weighQuirks(quirks, found)
}

// weighQuirks wants every difference listed with the value found, and every
// listed place different.
func weighQuirks(quirks []Quirk, found []Difference) (Outcome, string) {
	for _, d := range found {
		i := slices.IndexFunc(quirks, func(q Quirk) bool { return q.Place == d.Place })
		if i < 0 {
			return Failed, fmt.Sprintf("differs at %s, where no quirk is listed", d.Place)
		}
		if q := quirks[i]; !equalJSON(q.Expected, d.Got) {
			return Failed, fmt.Sprintf("%s: %s is listed with %s", d.Place, q.Quirk, short(q.Expected))
		}
	}
	for _, q := range quirks {
		if !slices.ContainsFunc(found, func(d Difference) bool { return d.Place == q.Place }) {
			return Failed, fmt.Sprintf("%s agrees with the recording but is listed as a quirk (%s): take it off the list", q.Place, q.Quirk)
		}
	}
	return Quirky, ""
}
