package replication

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func sessions(ids ...string) (all []Session) {
	for _, id := range ids {
		all = append(all, Session{SessionID: id, Recorded: Seq("at-" + id)})
	}
	return all
}

func TestResumeFrom(t *testing.T) {
	log := func(id string, history ...string) *Checkpoint {
		return &Checkpoint{SessionID: id, LastSeq: Seq("last-" + id), History: sessions(history...)}
	}
	for name, tt := range map[string]struct {
		source, target *Checkpoint
		want           Seq
		history        []string
	}{
		"first run":                  {nil, nil, "0", nil},
		"source made anew":           {nil, log("b", "b", "a"), "0", nil},
		"target made anew":           {log("b", "b", "a"), nil, "0", nil},
		"the same":                   {log("b", "b", "a"), log("b", "b", "a"), "last-b", []string{"b", "a"}},
		"target is one behind":       {log("b", "b", "a"), log("a", "a"), "at-a", []string{"a"}},
		"source is one behind":       {log("a", "a"), log("b", "b", "a"), "at-a", []string{"a"}},
		"both went on alone":         {log("c", "c", "a"), log("d", "d", "b", "a"), "at-a", []string{"a"}},
		"nothing in common":          {log("c", "c"), log("d", "d", "b", "a"), "0", nil},
		"documents that say nothing": {new(Checkpoint), new(Checkpoint), "0", nil},
	} {
		got, history := resumeFrom(tt.source, tt.target)
		if got != tt.want {
			t.Errorf("%s: got %s, want %s", name, got, tt.want)
		}
		if diff := cmp.Diff(sessions(tt.history...), history); diff != "" && len(history)+len(tt.history) > 0 {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestSeqsInJSON(t *testing.T) {
	for in, want := range map[string]string{`"5-g1AAA"`: `"5-g1AAA"`, `0`: `0`, `"0"`: `0`, `17`: `17`, `["a",1]`: `"[\"a\",1]"`} {
		var s Seq
		if err := json.Unmarshal([]byte(in), &s); err != nil {
			t.Fatal(err)
		}
		if got, err := json.Marshal(s); err != nil || string(got) != want {
			t.Errorf("%s: got %s, %v", in, got, err)
		}
	}
}

// A checkpoint of CouchDB's keeps all that it says.
func TestCheckpointsOfCouchDB(t *testing.T) {
	const text = `{"session_id":"s","source_last_seq":"3-g1","replication_id_version":4,"history":[{"session_id":"s","start_time":"Sun, 22 Nov 2026 15:05:12 GMT",` +
		`"end_time":"Sun, 22 Nov 2026 15:05:12 GMT","start_last_seq":0,"end_last_seq":"3-g1","recorded_seq":"3-g1","missing_checked":3,"missing_found":3,` +
		`"docs_read":3,"docs_written":2,"doc_write_failures":1,"bulk_get_docs":3,"bulk_get_attempts":3}]}`
	c := ParseCheckpoint([]byte(`{"_id":"_local/x","_rev":"0-7",` + text[1:]))
	got, err := c.Body()
	if err != nil || string(got) != text || c.Rev != "0-7" {
		t.Errorf("got %s, %s, %v", got, c.Rev, err)
	}
}

// Whatever the order in which batches are done, nothing is claimed before all that
// comes first is done.
func TestProgress(t *testing.T) {
	var p progress
	p.start("0")
	for _, step := range []struct {
		batch int
		last  string
		want  string
	}{{2, "c", "0"}, {1, "b", "0"}, {0, "a", "c"}, {4, "e", "c"}, {3, "", "e"}} {
		if p.finish(step.batch, step.last); p.through != step.want {
			t.Errorf("after batch %d: got %s, want %s", step.batch, p.through, step.want)
		}
	}
}
