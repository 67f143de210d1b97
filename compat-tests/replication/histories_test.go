package replication_test

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"testing"
)

// history makes random edits: new documents, edits, deletions, conflicts that another
// server seems to have made, attachments that come, change and stay, and histories
// longer than the database keeps.
type history struct {
	rng   *rand.Rand
	p     *peer
	db    string
	side  string
	n     int
	pouch bool // PouchDB replicates it: without what PouchDB cannot
}

// ids are names in many alphabets.
var ids = []string{
	"plain", "with space", "plus+and&and=", "slash/inside", "percent%41", "umlaut-ü", "Ελληνικά", "кириллица", "日本語", "العربية", "עברית", "emoji-😀",
	"quote\"and'", "back\\slash", "question?mark#hash", "comma,semi;colon:", "dot.", "..", "ﬁ-ligature", "a\u0301", "tilde~!*()", "_design/app", "_design/ü x",
}

func (h *history) id() string {
	if h.rng.IntN(3) == 0 {
		return fmt.Sprintf("doc-%d", h.rng.IntN(40))
	}
	id := ids[h.rng.IntN(len(ids))]
	if h.pouch && id == ".." {
		return "plain" // PouchDB asks for the parent of the database's path
	}
	return id
}

type object = map[string]any

func (h *history) attachments(before object) object {
	atts := object{}
	for name, stub := range before {
		if h.rng.IntN(3) > 0 {
			atts[name] = stub
		}
	}
	for range h.rng.IntN(3) {
		kind := []string{"text/plain", "application/octet-stream", "image/png", "application/json"}[h.rng.IntN(4)]
		size := []int{0, 1, 100, 5000, 70_000}[h.rng.IntN(5)]
		data := make([]byte, size)
		for i := range data {
			data[i] = byte(h.rng.IntN(256))
		}
		name := []string{"a.txt", "b/c.bin", "ü \"x\".png", "d"}[h.rng.IntN(4)]
		if h.pouch { // which takes what it lacks from the winner, whatever revision it is of
			name += fmt.Sprint(" ", h.n)
		}
		atts[name] = object{"content_type": kind, "data": base64.StdEncoding.EncodeToString(data)}
	}
	return atts
}

// edit makes one edit.
func (h *history) edit() {
	h.n++
	id := h.id()
	var now object
	status := h.p.ask("GET", "/"+h.db+"/"+escape(id), nil, &now)
	doc := object{"by": h.side, "n": h.n, "text": fmt.Sprint(h.rng.Uint64())}
	if status == 200 {
		doc["_rev"] = now["_rev"]
		if h.rng.IntN(6) == 0 {
			h.p.must("DELETE", "/"+h.db+"/"+escape(id)+"?rev="+now["_rev"].(string), nil, nil)
			return
		}
	}
	if h.rng.IntN(3) == 0 {
		before, _ := now["_attachments"].(object)
		if atts := h.attachments(before); len(atts) > 0 {
			doc["_attachments"] = atts
		}
	}
	h.p.must("PUT", "/"+h.db+"/"+escape(id), doc, nil)
}

// branch makes a conflict: a revision of another server's.
func (h *history) branch() {
	h.n++
	depth := 1 + h.rng.IntN(4)
	var hashes []string
	for range depth {
		hashes = append(hashes, fmt.Sprintf("%016x%016x", h.rng.Uint64(), h.rng.Uint64()))
	}
	doc := object{"_id": h.id(), "_revisions": object{"start": depth, "ids": hashes}, "_rev": fmt.Sprintf("%d-%s", depth, hashes[0]), "from": h.side}
	// Of a document whose winner is of the first generation PouchDB takes the winner for
	// any other missing revision of that generation that is no conflict, so a tombstone.
	if h.rng.IntN(4) == 0 && !(h.pouch && depth == 1) {
		doc["_deleted"] = true
	}
	h.p.must("POST", "/"+h.db+"/_bulk_docs", object{"new_edits": false, "docs": []object{doc}}, nil)
}

// long edits one document more often than the database may keep revisions of it.
func (h *history) long(edits int) {
	rev := any(nil)
	for n := range edits {
		doc, said := object{"n": n}, object{}
		if rev != nil {
			doc["_rev"] = rev
		}
		h.p.must("PUT", "/"+h.db+"/long-"+h.side, doc, &said)
		rev = said["rev"]
	}
}

// large makes an attachment that is sent in many pieces.
func (h *history) large() {
	data := make([]byte, 3<<20)
	for i := range data {
		data[i] = byte(h.rng.IntN(256))
	}
	file := object{"content_type": "application/octet-stream", "data": base64.StdEncoding.EncodeToString(data)}
	h.p.must("PUT", "/"+h.db+"/large-"+h.side, object{"_attachments": object{"file": file}}, nil)
}

// local makes a local document, which stays where it is.
func (h *history) local() { h.p.must("PUT", "/"+h.db+"/_local/of-"+h.side, object{}, nil) }

// expectNoLocal wants another side's local document not to be here.
func (h *history) expectNoLocal(side string) {
	h.p.t.Helper()
	if status := h.p.ask("GET", "/"+h.db+"/_local/of-"+side, nil, nil); status != 404 {
		h.p.t.Errorf("the local document of %s has replicated: %d", side, status)
	}
}

func (h *history) goOn(edits int) {
	for range edits {
		if h.rng.IntN(5) == 0 {
			h.branch()
		} else {
			h.edit()
		}
	}
}

// Two servers, whose users edit without knowing of each other, replicate in both
// directions, in every way that one can: pushed, pulled, within one process. In the end
// both have the same.
func TestRandomHistories(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	a, b := start(t), start(t)
	a.must("PUT", "/x", nil, nil)
	b.must("PUT", "/y", nil, nil)
	a.must("PUT", "/x/_revs_limit", 8, nil)
	left := &history{rng: rand.New(rand.NewPCG(seed, 1)), p: a, db: "x", side: "a"}
	right := &history{rng: rand.New(rand.NewPCG(seed, 2)), p: b, db: "y", side: "b"}
	for round := range 4 {
		left.goOn(60)
		right.goOn(60)
		for _, o := range []outcome{
			a.replicate("x", endpoint(b.URL(), "y")), // push
			a.replicate(endpoint(b.URL(), "y"), "x"), // pull
		} {
			if !o.OK {
				t.Fatalf("round %d: %s: %s", round, o.Error, o.Reason)
			}
		}
	}
	b.must("PUT", "/z", nil, nil)
	b.must("PUT", "/z/_revs_limit", 1000, nil)
	for _, o := range []outcome{
		b.replicate(endpoint(a.URL(), "x"), endpoint(b.URL(), "y")), // both by HTTP
		b.replicate("y", "z"), // in process
		b.replicate("y", endpoint(a.URL(), "x")),
	} {
		if !o.OK {
			t.Fatalf("%s: %s", o.Error, o.Reason)
		}
	}
	agree(t, b, "y", b, "z")
	agreeOnLeaves(t, a, "x", b, "y")
}
