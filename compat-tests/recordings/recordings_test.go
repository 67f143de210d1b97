package recordings_test

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"settle/compat-tests/recordings"
	"settle/compat-tests/settletest"
)

var (
	updatePending = flag.Bool("update-pending", false, "rewrite pending.json from what fails now")
	updateQuirks  = flag.Bool("update-quirks", false, "rewrite quirks.json from the admissible differences found now")
)

const (
	// players is how many servers answer at a time. The time goes into waiting,
	// so they may be more than there are processors.
	players = 6
	// pendingUntilLimit bounds the repetition of an exchange that is expected
	// never to come to its value.
	pendingUntilLimit = time.Second

	pendingFile = "pending.json"
	quirksFile  = "quirks.json"
	quirksPage  = "../QUIRKS.md"
)

func TestMain(m *testing.M) {
	flag.Parse()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
	if !given {
		if err := flag.Set("test.parallel", fmt.Sprint(players)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
	}
	os.Exit(settletest.Main(m))
}

func loadScenarios(t *testing.T) []*recordings.Scenario {
	t.Helper()
	scenarios, err := recordings.Load(os.DirFS("../testdata/recordings"), "couchdb-3.5.0", "couchdb-as-client")
	if err != nil {
		t.Fatal(err)
	}
	return scenarios
}

func readFile(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func readLists(t *testing.T) ([]recordings.Pending, []recordings.Quirk) {
	t.Helper()
	pending, err := recordings.ParsePending(readFile(t, pendingFile))
	if err != nil {
		t.Fatalf("%s: %v", pendingFile, err)
	}
	quirks, err := recordings.ParseQuirks(readFile(t, quirksFile))
	if err != nil {
		t.Fatalf("%s: %v", quirksFile, err)
	}
	return pending, quirks
}

// TestRecordings plays every recorded scenario against the settle binary.
func TestRecordings(t *testing.T) {
	scenarios := loadScenarios(t)
	pending, quirks := readLists(t)
	lists, err := recordings.NewLists(scenarios, pending, quirks, string(readFile(t, quirksPage)))
	if err != nil {
		t.Fatal(err)
	}
	r := &run{lists: lists, shared: make(chan *settletest.Server, players), results: map[*recordings.Scenario][]recordings.Verdict{}}
	for range players {
		r.shared <- settletest.Start(t, settletest.Options{})
	}
	t.Cleanup(func() { r.finish(t, pending, quirks) })
	// The longest first, so that none is left to run alone at the end.
	slices.SortStableFunc(scenarios, func(a, b *recordings.Scenario) int { return int(b.Slept()*10) - int(a.Slept()*10) })
	for _, s := range scenarios {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			r.play(t, s)
		})
	}
}

// run is one run of all scenarios that were asked for.
type run struct {
	lists  *recordings.Lists
	shared chan *settletest.Server // for scenarios that touch nothing but their databases

	mu      sync.Mutex
	results map[*recordings.Scenario][]recordings.Verdict
}

func (r *run) play(t *testing.T, s *recordings.Scenario) {
	var server *settletest.Server
	if s.TouchesServer() {
		server = settletest.Start(t, settletest.Options{})
	} else {
		server = <-r.shared
		defer func() { r.shared <- server }()
	}
	player, err := recordings.NewPlayer(server.AdminURL())
	if err != nil {
		t.Fatal(err)
	}
	player.UntilLimit = func(exchange int) time.Duration {
		if r.lists.IsPending(s.Name, exchange) && !*updatePending {
			return pendingUntilLimit
		}
		return recordings.HeadLimit
	}
	answers, err := player.Play(s)
	if err != nil {
		t.Fatal(err)
	}
	verdicts := r.lists.Judge(s, answers)
	r.mu.Lock()
	r.results[s] = verdicts
	r.mu.Unlock()
	t.Log(recordings.Count(verdicts))
	for _, v := range verdicts {
		if v.Outcome == recordings.Failed {
			report(t, s, v)
		}
	}
}

// report tells of a failed exchange; where a list is being rewritten, that is
// no failure of the test.
func report(t *testing.T, s *recordings.Scenario, v recordings.Verdict) {
	t.Helper()
	tell := t.Errorf
	if *updatePending || *updateQuirks {
		tell = t.Logf
	}
	text := ""
	for _, d := range v.Differences[:min(6, len(v.Differences))] {
		text += "\n      " + d.String()
	}
	tell("[%d] %s: %s%s", v.Exchange, s.Exchanges[v.Exchange].Title(), v.Problem, text)
}

// finish tells the totals and rewrites the lists if asked to.
func (r *run) finish(t *testing.T, pending []recordings.Pending, quirks []recordings.Quirk) {
	var total recordings.Tally
	for _, verdicts := range r.results {
		total.Add(recordings.Count(verdicts))
	}
	t.Logf("%d scenarios: %v", len(r.results), total)
	if *updateQuirks {
		quirks = recordings.UpdateQuirks(quirks, r.results)
		write(t, quirksFile, quirks, recordings.FormatQuirks)
	}
	if *updatePending {
		pending = recordings.UpdatePending(pending, quirks, r.results)
		write(t, pendingFile, pending, recordings.FormatPending)
	}
}

func write[T any](t *testing.T, name string, list []T, format func([]T) ([]byte, error)) {
	t.Helper()
	data, err := format(list)
	if err == nil {
		err = os.WriteFile(name, data, 0o644)
	}
	if err != nil {
		t.Errorf("%s: %v", name, err)
	}
}
