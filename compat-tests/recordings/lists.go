package recordings

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Pending names one exchange that waits for a feature.
type Pending struct {
	Scenario string `json:"scenario"`
	Exchange int    `json:"exchange"` // its place in the scenario's list, from 0
	Feature  string `json:"feature"`
}

// Quirk names one place of one exchange where the answer differs on purpose,
// and the value that stands there instead.
type Quirk struct {
	Scenario string `json:"scenario"`
	Exchange int    `json:"exchange"`
	Place    string `json:"place"` // as in Difference
	Expected any    `json:"expected"`
	Quirk    string `json:"quirk"` // its number in QUIRKS.md
}

// exchangeID names an exchange among all scenarios.
type exchangeID struct {
	scenario string
	number   int
}

// Lists are the exchanges that need not agree with their recording.
type Lists struct {
	pending map[exchangeID]Pending
	quirks  map[exchangeID][]Quirk
}

// NewLists checks the entries and joins them. Each must name an exchange that
// has an answer, none may be there twice or in both lists, both lists must be
// sorted, and a quirk must be [Admissible] and stand in quirksPage, the text of
// QUIRKS.md.
func NewLists(scenarios []*Scenario, pending []Pending, quirks []Quirk, quirksPage string) (*Lists, error) {
	byName := map[string]*Scenario{}
	for _, s := range scenarios {
		byName[s.Name] = s
	}
	l := &Lists{pending: map[exchangeID]Pending{}, quirks: map[exchangeID][]Quirk{}}
	if !slices.IsSortedFunc(pending, comparePending) || !slices.IsSortedFunc(quirks, compareQuirks) {
		return nil, fmt.Errorf("the entries are not sorted by scenario, exchange and place")
	}
	for _, p := range pending {
		id := exchangeID{p.Scenario, p.Exchange}
		if err := checkEntry(byName, id); err != nil {
			return nil, err
		}
		if _, dup := l.pending[id]; dup || p.Feature == "" {
			return nil, fmt.Errorf("%s [%d] is pending twice, or for no feature", p.Scenario, p.Exchange)
		}
		l.pending[id] = p
	}
	for _, q := range quirks {
		id := exchangeID{q.Scenario, q.Exchange}
		if err := checkEntry(byName, id); err != nil {
			return nil, err
		}
		if err := l.addQuirk(id, q, byName[q.Scenario], quirksPage); err != nil {
			return nil, fmt.Errorf("%s [%d] %s: %w", q.Scenario, q.Exchange, q.Place, err)
		}
	}
	return l, nil
}

func (l *Lists) addQuirk(id exchangeID, q Quirk, s *Scenario, page string) error {
	if _, both := l.pending[id]; both {
		return fmt.Errorf("the exchange is in both lists")
	}
	if slices.ContainsFunc(l.quirks[id], func(other Quirk) bool { return other.Place == q.Place }) {
		return fmt.Errorf("listed twice")
	}
	if !regexp.MustCompile(`(?m)^- ` + regexp.QuoteMeta(q.Quirk) + `\b`).MatchString(page) {
		return fmt.Errorf("QUIRKS.md has no line %q", q.Quirk)
	}
	if !Admissible(s, q.Exchange, Difference{q.Place, recordedAt(s.Exchanges[q.Exchange].Response, q.Place), q.Expected}) {
		return fmt.Errorf("%s is no digest or revision id of a compressible attachment's document in place of the recorded one", short(q.Expected))
	}
	l.quirks[id] = append(l.quirks[id], q)
	return nil
}

func checkEntry(scenarios map[string]*Scenario, id exchangeID) error {
	s, ok := scenarios[id.scenario]
	if !ok {
		return fmt.Errorf("no scenario %q", id.scenario)
	}
	if id.number < 0 || id.number >= len(s.Exchanges) || s.Exchanges[id.number].Response == nil {
		return fmt.Errorf("%s has no answer recorded at [%d]", id.scenario, id.number)
	}
	return nil
}

// recordedAt is the recorded value at a Difference's place; nil if there is none.
func recordedAt(r *Recorded, place string) any {
	if name, ok := strings.CutPrefix(place, "headers/"); ok {
		return r.Headers[name]
	}
	rest, ok := strings.CutPrefix(place, string(r.Form))
	if !ok {
		return nil
	}
	v, _ := dig(r.Body, rest)
	return v
}

func comparePending(a, b Pending) int {
	return cmp.Or(cmp.Compare(a.Scenario, b.Scenario), cmp.Compare(a.Exchange, b.Exchange))
}

func compareQuirks(a, b Quirk) int {
	return cmp.Or(cmp.Compare(a.Scenario, b.Scenario), cmp.Compare(a.Exchange, b.Exchange), cmp.Compare(a.Place, b.Place))
}

// ParsePending reads the text of a list of pending exchanges.
func ParsePending(data []byte) ([]Pending, error) {
	var list []Pending
	err := unmarshalStrict(data, &list)
	return list, err
}

// ParseQuirks reads the text of a list of quirks.
func ParseQuirks(data []byte) ([]Quirk, error) {
	var list []Quirk
	if err := unmarshalStrict(data, &list); err != nil {
		return nil, err
	}
	return list, nil
}

// FormatPending is the list's text: sorted, an entry a line.
func FormatPending(list []Pending) ([]byte, error) {
	return formatList(slices.SortedFunc(slices.Values(list), comparePending))
}

// FormatQuirks is the list's text: sorted, an entry a line.
func FormatQuirks(list []Quirk) ([]byte, error) {
	return formatList(slices.SortedFunc(slices.Values(list), compareQuirks))
}

func formatList[T any](list []T) ([]byte, error) {
	if len(list) == 0 {
		return []byte("[]\n"), nil
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	for i, entry := range list {
		out.WriteString(map[bool]string{true: "[\n  ", false: "  "}[i == 0])
		if err := enc.Encode(entry); err != nil {
			return nil, err
		}
		out.Truncate(out.Len() - 1)
		if i < len(list)-1 {
			out.WriteByte(',')
		}
		out.WriteByte('\n')
	}
	out.WriteString("]\n")
	return out.Bytes(), nil
}
