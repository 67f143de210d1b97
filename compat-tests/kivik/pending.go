package kivik

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Pending names one subtest that waits for a feature. Those above it fail with
// it and are not listed; those below it do not run before it passes.
type Pending struct {
	Subtest string `json:"subtest"`
	Feature string `json:"feature"`
}

func comparePending(a, b Pending) int { return cmp.Compare(a.Subtest, b.Subtest) }

// ParsePending reads the text of a list of pending subtests. It must be sorted
// by subtest, name each once, and name a feature for each.
func ParsePending(text []byte) ([]Pending, error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	var list []Pending
	if err := dec.Decode(&list); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the list")
	}
	for i, p := range list {
		switch {
		case p.Subtest == "" || p.Feature == "":
			return nil, fmt.Errorf("entry %d lacks a subtest or a feature", i)
		case i > 0 && comparePending(list[i-1], p) >= 0:
			return nil, fmt.Errorf("%s is out of order, or twice in the list", p.Subtest)
		}
	}
	return list, nil
}

// FormatPending is the list's text: an entry a line.
func FormatPending(list []Pending) ([]byte, error) {
	if len(list) == 0 {
		return []byte("[]\n"), nil
	}
	lines := make([]string, len(list))
	for i, p := range list {
		line, err := json.Marshal(p)
		if err != nil {
			return nil, err
		}
		lines[i] = "  " + string(line)
	}
	return []byte("[\n" + strings.Join(lines, ",\n") + "\n]\n"), nil
}

// UpdatePending is the list that the verdicts ask for: what fails, where its
// suite is known to wait for a feature. Entries that still fail keep theirs.
func UpdatePending(verdicts []Verdict) []Pending {
	var list []Pending
	for _, v := range verdicts {
		feature := cmp.Or(v.Feature, featureOf(v.Name))
		if v.Result == Failed && !v.Above && feature != "" {
			list = append(list, Pending{v.Name, feature})
		}
	}
	slices.SortFunc(list, comparePending)
	return list
}

// features tells what suites wait for.
var features = map[string]string{
	"AllDBs": "replicator", "GetReplications": "replicator", "Replicate": "replicator",
	"CreateIndex": "mango", "DeleteIndex": "mango", "Explain": "mango", "Find": "mango", "GetIndexes": "mango",
	"Query": "views",
}

func featureOf(subtest string) string {
	suite, rest, _ := strings.Cut(subtest, "/")
	switch {
	case features[suite] != "":
		return features[suite]
	case strings.Contains(rest+"/", "/_users/"):
		return "users"
	case strings.Contains(rest+"/", "/_replicator/"):
		return "replicator"
	}
	return ""
}
