package recordings_test

import (
	"strings"
	"testing"

	"settle/compat-tests/recordings"

	"github.com/google/go-cmp/cmp"
)

const (
	gzipDigest = "md5-iMaiC8wqiFlD2NjLTemvCQ=="
	ownDigest  = "md5-XUFAKrxLKna5cZ2REBfFkg=="
	gzipRev    = "1-11111111111111111111111111111111"
	ownRev     = "1-22222222222222222222222222222222"
	page       = "- Q1 **Digests**\n- Q2 **Revs**\n- Q10 **More**\n"
)

// attached is a scenario whose first exchange stores a text attachment and
// whose second reads the document.
func attached(t *testing.T) *recordings.Scenario {
	return scenario(t, `
		{"request":{"method":"PUT","path":"/a/d/n","headers":{"Content-Type":"text/plain"},"text":"x"},
		 "response":{"status":201,"headers":{},"json":{"ok":true}}},
		{"request":{"method":"GET","path":"/a/d"},
		 "response":{"status":200,"headers":{"etag":"\"`+gzipRev+`\""},"json":{"_rev":"`+gzipRev+`","d":"`+gzipDigest+`","v":1}}},
		{"sleep":1}`)
}

var (
	digestQuirk = recordings.Quirk{Scenario: "s", Exchange: 1, Place: "json/d", Expected: ownDigest, Quirk: "Q1"}
	revQuirk    = recordings.Quirk{Scenario: "s", Exchange: 1, Place: "json/_rev", Expected: ownRev, Quirk: "Q2"}
	etagQuirk   = recordings.Quirk{Scenario: "s", Exchange: 1, Place: "headers/etag", Expected: `"` + ownRev + `"`, Quirk: "Q2"}
	allQuirks   = []recordings.Quirk{etagQuirk, revQuirk, digestQuirk}
	onePending  = []recordings.Pending{{Scenario: "s", Exchange: 1, Feature: "f"}}
)

func TestNewListsRefuses(t *testing.T) {
	with := func(change func(*recordings.Quirk)) []recordings.Quirk {
		q := digestQuirk
		change(&q)
		return []recordings.Quirk{q}
	}
	tests := []struct {
		name    string
		pending []recordings.Pending
		quirks  []recordings.Quirk
		want    string // "" for none
	}{
		{"good", onePending, nil, ""},
		{"good quirks", nil, allQuirks, ""},
		{"unknown scenario", []recordings.Pending{{Scenario: "x", Feature: "f"}}, nil, "no scenario"},
		{"unknown exchange", []recordings.Pending{{Scenario: "s", Exchange: 9, Feature: "f"}}, nil, "no answer recorded"},
		{"no answer there", []recordings.Pending{{Scenario: "s", Exchange: 2, Feature: "f"}}, nil, "no answer recorded"},
		{"negative", []recordings.Pending{{Scenario: "s", Exchange: -1, Feature: "f"}}, nil, "no answer recorded"},
		{"no feature", []recordings.Pending{{Scenario: "s", Exchange: 1}}, nil, "no feature"},
		{"pending twice", append(onePending, onePending...), nil, "twice"},
		{"unsorted", []recordings.Pending{{Scenario: "s", Exchange: 1, Feature: "f"}, {Scenario: "s", Exchange: 0, Feature: "f"}}, nil, "not sorted"},
		{"in both", onePending, allQuirks[:1], "both lists"},
		{"quirk twice", nil, []recordings.Quirk{digestQuirk, digestQuirk}, "twice"},
		{"no such line", nil, with(func(q *recordings.Quirk) { q.Quirk = "Q3" }), "no line"},
		{"part of a number", nil, with(func(q *recordings.Quirk) { q.Quirk = "Q" }), "no line"},
		{"same value", nil, with(func(q *recordings.Quirk) { q.Expected = gzipDigest }), "no digest"},
		{"any value", nil, with(func(q *recordings.Quirk) { q.Expected = "other" }), "no digest"},
		{"absent", nil, with(func(q *recordings.Quirk) { q.Expected = recordings.Absent }), "no digest"},
		{"no recorded value", nil, with(func(q *recordings.Quirk) { q.Place = "json/none" }), "no digest"},
		{"status", nil, with(func(q *recordings.Quirk) { q.Place = "status" }), "no digest"},
		{"a number", nil, with(func(q *recordings.Quirk) { q.Place = "json/v" }), "no digest"},
		{"another generation", nil, []recordings.Quirk{{Scenario: "s", Exchange: 1, Place: "json/_rev", Expected: "2" + ownRev[1:], Quirk: "Q2"}}, "no digest"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := recordings.NewLists([]*recordings.Scenario{attached(t)}, tt.pending, tt.quirks, page)
			if (err != nil) != (tt.want != "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
		})
	}
}

func TestJudge(t *testing.T) {
	same := `{"status":200,"headers":{"etag":"\"` + gzipRev + `\""},"json":{"_rev":"` + gzipRev + `","d":"` + gzipDigest + `","v":1}}`
	own := strings.NewReplacer(gzipRev, ownRev, gzipDigest, ownDigest).Replace(same)
	part := strings.Replace(same, gzipDigest, ownDigest, 1)
	tests := []struct {
		name    string
		pending []recordings.Pending
		quirks  []recordings.Quirk
		answer  string
		outcome recordings.Outcome
		problem string
	}{
		{"same", nil, nil, same, recordings.Passed, ""},
		{"differs", nil, nil, own, recordings.Failed, "differs"},
		{"pending", onePending, nil, own, recordings.Waiting, ""},
		{"pending but passes", onePending, nil, same, recordings.Failed, "take it off the list"},
		{"quirks", nil, allQuirks, own, recordings.Quirky, ""},
		{"quirks but passes", nil, allQuirks, same, recordings.Failed, "take it off the list"},
		{"a quirk's place agrees", nil, allQuirks, part, recordings.Failed, "take it off the list"},
		{"more than the quirks", nil, allQuirks[:2], own, recordings.Failed, "no quirk is listed"},
		{"another value", nil, allQuirks, strings.Replace(own, ownDigest, "md5-AAAAKrxLKna5cZ2REBfFkg==", 1), recordings.Failed, "is listed with"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := attached(t)
			lists, err := recordings.NewLists([]*recordings.Scenario{s}, tt.pending, tt.quirks, page)
			if err != nil {
				t.Fatal(err)
			}
			first := answered(t, `{"status":201,"headers":{},"json":{"ok":true}}`)
			verdicts := lists.Judge(s, []*recordings.Answer{first, answered(t, tt.answer), nil})
			if len(verdicts) != 2 || verdicts[0].Outcome != recordings.Passed {
				t.Fatalf("verdicts: %+v", verdicts)
			}
			if v := verdicts[1]; v.Outcome != tt.outcome || !strings.Contains(v.Problem, tt.problem) {
				t.Errorf("outcome %d, problem %q", v.Outcome, v.Problem)
			}
		})
	}
}

func TestTally(t *testing.T) {
	var total recordings.Tally
	total.Add(recordings.Count([]recordings.Verdict{{Outcome: recordings.Passed}, {Outcome: recordings.Passed}, {Outcome: recordings.Waiting}}))
	total.Add(recordings.Count([]recordings.Verdict{{Outcome: recordings.Quirky}, {Outcome: recordings.Failed}}))
	if want := "2 passed, 1 pending, 1 quirks, 1 failed of 5"; total.String() != want {
		t.Errorf("%s, want %s", total, want)
	}
}

func TestAdmissible(t *testing.T) {
	digest := recordings.Difference{Place: "json/d", Want: gzipDigest, Got: ownDigest}
	tests := []struct {
		name, request string
		want          bool
	}{
		{"own body", `"method":"PUT","path":"/a/d/n?rev=1","headers":{"content-type":"application/json"},"text":"x"`, true},
		{"own body, not compressible", `"method":"PUT","path":"/a/d/n","headers":{"Content-Type":"image/png"},"text":"x"`, false},
		{"a document", `"method":"PUT","path":"/a/d/","headers":{"Content-Type":"application/json"},"text":"x"`, false},
		{"inline", `"method":"POST","path":"/a","json":{"_attachments":{"n":{"content_type": "text/plain","data":""}}}`, true},
		{"inline, not compressible", `"method":"POST","path":"/a","json":{"_attachments":{"n":{"content_type":"application/octet-stream","data":""}}}`, false},
		{"multipart", `"method":"PUT","path":"/a/d","text":"--x\r\n\r\n{\"_attachments\":{\"n\":{\"content_type\":\"application/xml\"}}}"`, true},
		{"multipart in base64", `"method":"PUT","path":"/a/d","base64":"eyJjb250ZW50X3R5cGUiOiJ0ZXh0L2NzcyJ9"`, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := scenario(t, `{"request":{`+tt.request+`},"response":{"status":201,"headers":{},"json":1}}`)
			if got := recordings.Admissible(s, 0, digest); got != tt.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestUpdate(t *testing.T) {
	s := attached(t)
	answers := []*recordings.Answer{
		answered(t, `{"status":404,"headers":{},"json":{}}`),
		answered(t, `{"status":200,"headers":{"etag":"\"`+ownRev+`\""},"json":{"_rev":"`+ownRev+`","d":"`+ownDigest+`","v":1}}`),
		nil,
	}
	played := map[*recordings.Scenario][]recordings.Verdict{s: noLists(t).Judge(s, answers)}
	other := recordings.Quirk{Scenario: "r", Place: "json", Expected: "x", Quirk: "Q1"}
	stale := recordings.Quirk{Scenario: "s", Exchange: 0, Place: "json", Expected: "x", Quirk: "Q1"}
	quirks := recordings.UpdateQuirks([]recordings.Quirk{other, stale}, played)
	if diff := cmp.Diff(append([]recordings.Quirk{other}, allQuirks...), quirks); diff != "" {
		t.Errorf("quirks:\n%s", diff)
	}
	list := []recordings.Pending{{Scenario: "z", Exchange: 3, Feature: "kept"}, {Scenario: "s", Exchange: 1, Feature: "gone"}}
	pending := recordings.UpdatePending(list, quirks, played)
	want := []recordings.Pending{{Scenario: "s", Exchange: 0, Feature: "s"}, {Scenario: "z", Exchange: 3, Feature: "kept"}}
	if diff := cmp.Diff(want, pending); diff != "" {
		t.Errorf("pending:\n%s", diff)
	}
	list[1] = recordings.Pending{Scenario: "s", Exchange: 0, Feature: "chosen"}
	if got := recordings.UpdatePending(list, quirks, played)[0].Feature; got != "chosen" {
		t.Errorf("feature %q, want the one listed before", got)
	}
}

func TestListTexts(t *testing.T) {
	for _, list := range [][]recordings.Quirk{{}, allQuirks[:1], {revQuirk, digestQuirk, etagQuirk}} {
		text, err := recordings.FormatQuirks(list)
		if err != nil {
			t.Fatal(err)
		}
		back, err := recordings.ParseQuirks(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		again, err := recordings.FormatQuirks(back)
		if err != nil || string(again) != string(text) || len(back) != len(list) {
			t.Errorf("%s is read as %v (%v)", text, back, err)
		}
	}
	text, err := recordings.FormatPending([]recordings.Pending{{Scenario: "b", Exchange: 10, Feature: "f"}, {Scenario: "b", Exchange: 9, Feature: "<g>"}})
	want := "[\n  {\"scenario\":\"b\",\"exchange\":9,\"feature\":\"<g>\"},\n  {\"scenario\":\"b\",\"exchange\":10,\"feature\":\"f\"}\n]\n"
	if err != nil || string(text) != want {
		t.Errorf("%s, %v", text, err)
	}
	for _, bad := range []string{"", "[", "{}", `[{"scenario":"s","number":1}]`} {
		if _, err := recordings.ParsePending([]byte(bad)); err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
}

func TestFeatureOf(t *testing.T) {
	tests := []struct{ name, path, want string }{
		{"db-counts", "/a/_purge", "purge"},
		{"auth-members", "/a/_design/x/_view/y?key=1", "views"},
		{"auth-members", "/a/_find", "mango"},
		{"auth-cors-list", "/a", "cors"},
		{"view-info", "/a", "views"},
		{"db-missing", "/a/_design/d/_list/l/v", "javascript"},
		{"changes-style", "/a/_changes?feed=eventsource", "eventsource"},
		{"doc-head", "/_node/_local/_config/a/b", "config"},
		{"pull-plain", "/a", "replication-source"},
		{"doc-head", "/a/d", "doc"},
	}
	for _, tt := range tests {
		s := scenario(t, `{"request":{"method":"GET","path":"`+tt.path+`"}}`)
		s.Name = tt.name
		if got := recordings.FeatureOf(s, 0); got != tt.want {
			t.Errorf("%s %s: %s, want %s", tt.name, tt.path, got, tt.want)
		}
	}
}
