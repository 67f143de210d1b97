package recordings

import "slices"

// UpdateQuirks is the list that the verdicts of the scenarios just played ask
// for: an entry for each difference of an exchange that has admissible
// differences only. Entries of other scenarios stay.
func UpdateQuirks(list []Quirk, played map[*Scenario][]Verdict) []Quirk {
	names := namesOf(played)
	out := slices.DeleteFunc(slices.Clone(list), func(q Quirk) bool { return names[q.Scenario] })
	for s, verdicts := range played {
		for _, v := range verdicts {
			inadmissible := func(d Difference) bool { return !Admissible(s, v.Exchange, d) }
			if slices.ContainsFunc(v.Differences, inadmissible) {
				continue
			}
			for _, d := range v.Differences {
				out = append(out, Quirk{s.Name, v.Exchange, d.Place, d.Got, QuirkOf(d)})
			}
		}
	}
	return slices.SortedFunc(slices.Values(out), compareQuirks)
}

// UpdatePending is the list that the verdicts of the scenarios just played ask
// for: an entry for each exchange that differs and has no quirk listed. Entries
// keep their feature, new ones get a guess. Entries of other scenarios stay.
func UpdatePending(list []Pending, quirks []Quirk, played map[*Scenario][]Verdict) []Pending {
	names := namesOf(played)
	features := map[exchangeID]string{}
	for _, p := range list {
		features[exchangeID{p.Scenario, p.Exchange}] = p.Feature
	}
	out := slices.DeleteFunc(slices.Clone(list), func(p Pending) bool { return names[p.Scenario] })
	for s, verdicts := range played {
		for _, v := range verdicts {
			hasQuirk := func(q Quirk) bool { return q.Scenario == s.Name && q.Exchange == v.Exchange }
			if len(v.Differences) == 0 || slices.ContainsFunc(quirks, hasQuirk) {
				continue
			}
			feature, known := features[exchangeID{s.Name, v.Exchange}]
			if !known {
				feature = FeatureOf(s, v.Exchange)
			}
			out = append(out, Pending{s.Name, v.Exchange, feature})
		}
	}
	return slices.SortedFunc(slices.Values(out), comparePending)
}

func namesOf(played map[*Scenario][]Verdict) map[string]bool {
	names := map[string]bool{}
	for s := range played {
		names[s.Name] = true
	}
	return names
}
