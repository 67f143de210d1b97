package kivik

import (
	"bytes"
	"regexp"
	"strings"
)

// Result is how one test ended, in go test's words.
type Result string

// The results; a test without one was cut short.
const (
	Passed  Result = "PASS"
	Failed  Result = "FAIL"
	Skipped Result = "SKIP"
)

// Outcome is what became of one test and what it logged itself, not in its
// subtests. Name is without that of the test at the top, whose own is empty.
type Outcome struct {
	Name   string
	Result Result
	Log    string
}

// marker precedes, under -test.v=test2json, what package testing itself says.
const marker = 0x16

var event = regexp.MustCompile(`^(?:=== (?:RUN|NAME|CONT|PAUSE) +|--- (PASS|FAIL|SKIP): )(\S+)(?: \([0-9.]+s\))?\s*$`)

// ParseOutcomes reads what a test binary printed under -test.v=test2json with
// one test at the top. The outcomes come in the order in which the tests began.
func ParseOutcomes(printed []byte) []Outcome {
	var outcomes []Outcome
	place := map[string]int{}
	current := -1
	for line := range bytes.Lines(printed) {
		i := bytes.IndexByte(line, marker)
		if i < 0 {
			if current >= 0 {
				outcomes[current].Log += string(line)
			}
			continue
		}
		m := event.FindSubmatch(line[i+1:])
		if m == nil {
			current = -1
			continue
		}
		_, name, _ := strings.Cut(string(m[2]), "/")
		known := false
		if current, known = place[name]; !known {
			current = len(outcomes)
			place[name] = current
			outcomes = append(outcomes, Outcome{Name: name})
		}
		if len(m[1]) > 0 {
			outcomes[current].Result = Result(m[1])
		}
	}
	return outcomes
}

// below says whether the one test is a subtest, at any depth, of the other.
func below(name, other string) bool {
	return other == "" && name != "" || strings.HasPrefix(name, other+"/")
}
