package replication_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// pulled is what _replicate answers to a reader.
type pulled struct {
	OK        bool            `json:"ok"`
	NoChanges bool            `json:"no_changes"`
	LastSeq   json.RawMessage `json:"source_last_seq"`
	History   []struct {
		Start   json.RawMessage `json:"start_last_seq"`
		Checked int             `json:"missing_checked"` // with those of the sessions before
		Read    int             `json:"docs_read"`       // too
	} `json:"history"`
}

// pull replicates a source's database "x", as a user who may only read it, into one of
// that user's name.
func (p *peer) pull(source *peer, user string) pulled {
	p.t.Helper()
	from := object{"url": source.URL() + "/x", "auth": object{"basic": object{"username": user, "password": "secret"}}}
	var got pulled
	p.must("POST", "/_replicate", object{"source": from, "target": user, "create_target": true}, &got)
	if !got.OK || !got.NoChanges && len(got.History) == 0 {
		p.t.Fatalf("the replication of %s: %+v", user, got)
	}
	return got
}

// startReaders starts a server with documents that ann and bob may read.
func startReaders(t *testing.T) *peer {
	p := start(t)
	p.must("PUT", "/x", nil, nil)
	p.must("PUT", "/x/_security", object{"readers_only": object{"names": []string{"ann", "bob"}}, "members": object{}, "admins": object{}}, nil)
	p.user("ann")
	p.user("bob")
	p.write(0, 10)
	return p
}

// write writes documents from one number to another.
func (p *peer) write(from, to int) {
	p.t.Helper()
	for i := from; i < to; i++ {
		p.must("PUT", fmt.Sprintf("/x/doc-%d", i), object{"n": i}, nil)
	}
}

// locals returns the ids of a user's local documents.
func (p *peer) locals(user string) []string {
	p.t.Helper()
	status, said := p.as(user, "GET", "/x/_local_docs", nil)
	var list struct{ Rows []struct{ ID string } }
	if err := json.Unmarshal([]byte(said), &list); err != nil || status != 200 {
		p.t.Fatalf("the local documents of %s: %d %s", user, status, said)
	}
	var ids []string
	for _, row := range list.Rows {
		ids = append(ids, row.ID)
	}
	return ids
}

// resumed wants a run to have begun where the one before ended, and to have read so
// many documents.
func resumed(t *testing.T, before, now pulled, read int) {
	t.Helper()
	if len(now.History) != len(before.History)+1 {
		t.Fatalf("%d sessions after %d", len(now.History), len(before.History))
	}
	was, is := before.History[0], now.History[0]
	if string(is.Start) != string(before.LastSeq) {
		t.Errorf("it began at %s, want %s", is.Start, before.LastSeq)
	}
	if diff := cmp.Diff([]int{read, read}, []int{is.Checked - was.Checked, is.Read - was.Read}); diff != "" {
		t.Errorf("documents asked for, and read (-want +got):\n%s", diff)
	}
}

// Somebody who may only read goes on where the last replication stopped, also after
// the source has crashed, and beside another reader.
func TestReadersResume(t *testing.T) {
	source, target := startReaders(t), start(t)
	first := target.pull(source, "ann")
	if start := string(first.History[0].Start); start != "0" || first.History[0].Read != 10 {
		t.Errorf("the first run began at %s and read %d", start, first.History[0].Read)
	}
	source.write(10, 13)
	bobs := target.pull(source, "bob")
	if bobs.History[0].Read != 13 {
		t.Errorf("another reader's first run read %d", bobs.History[0].Read)
	}
	source.Kill()
	source.Restart()
	resumed(t, first, target.pull(source, "ann"), 3)
	if !target.pull(source, "bob").NoChanges {
		t.Error("another reader's second run has not gone on")
	}
	source.write(13, 14)
	resumed(t, bobs, target.pull(source, "bob"), 1)
	agree(t, source, "x", target, "bob")
	if status, said := source.as("ann", "PUT", "/x/stolen", object{}); status != 403 {
		t.Errorf("a reader writes: %d %s", status, said)
	}
}

// A reader's checkpoint has a name that others may use too: theirs is another document.
func TestReadersWithOneReplicationID(t *testing.T) {
	source, target := startReaders(t), start(t)
	first := target.pull(source, "ann")
	ids := source.locals("ann")
	if len(ids) != 1 || !strings.HasPrefix(ids[0], "_local/") {
		t.Fatalf("ann has %q", ids)
	}
	if others := source.locals("bob"); len(others) > 0 {
		t.Errorf("bob sees %q", others)
	}
	checkpoint := "/x/" + ids[0]
	for _, step := range []struct {
		method, path string
		body         any
		status       int
	}{
		{"GET", checkpoint, nil, 404},
		{"PUT", checkpoint, object{"session_id": "bobs", "source_last_seq": "99-bobs"}, 201},
		{"GET", checkpoint, nil, 200},
	} {
		if status, said := source.as("bob", step.method, step.path, step.body); status != step.status {
			t.Errorf("bob: %s: %d %s, want %d", step.method, status, said, step.status)
		}
	}
	source.write(10, 12)
	second := target.pull(source, "ann")
	resumed(t, first, second, 2)
	if _, said := source.as("bob", "GET", checkpoint, nil); !strings.Contains(said, `"99-bobs"`) {
		t.Errorf("bob's document is now %s", said)
	}
	if status, said := source.as("bob", "DELETE", checkpoint+"?rev=0-1", nil); status != 200 {
		t.Errorf("bob removes his: %d %s", status, said)
	}
	source.write(12, 13)
	resumed(t, second, target.pull(source, "ann"), 1)
}
