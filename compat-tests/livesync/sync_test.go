package livesync_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"settle/compat-tests/settletest"
)

// row is one of a changes feed.
type row struct {
	ID      string
	Seq     string
	Changes []struct{ Rev string }
	Deleted bool
	Doc     map[string]any
}

// page is the answer of a changes feed that ends.
type page struct {
	Results []row
	LastSeq string `json:"last_seq"`
	Pending *int
}

// ids returns the documents of a page.
func (p page) ids() string {
	var ids []string
	for _, r := range p.Results {
		ids = append(ids, r.ID)
	}
	return strings.Join(ids, " ")
}

// TestTwoDevices lets one device fill a vault and another fetch it, and follow it.
func TestTwoDevices(t *testing.T) {
	t.Parallel()
	s := settletest.Start(t, settletest.Options{})
	first := newDevice(t, s)
	first.want(http.StatusNotFound, "GET", "/vault/", "", nil)
	first.want(http.StatusCreated, "PUT", "/vault/", "", nil)
	first.want(http.StatusPreconditionFailed, "PUT", "/vault/", "", nil)
	first.version("/vault")
	first.milestone()
	first.push("push-1==", chunk("h:1", "one"), chunk("h:2", "two"), note("a.md", "1-a", "h:1", "h:2"))

	second := newDevice(t, s).from("capacitor://localhost")
	second.milestone()
	since := second.pull()
	live := second.follow(since)
	first.push("push-1==", chunk("h:3", "three"), note("b.md", "1-b", "h:3"))
	if p := <-live; p.ids() != "b.md" {
		t.Errorf("the live feed shows %q", p.ids())
	}
	second.fetchChunks()
	second.sizes()
	second.rebuild()
}

// chunk is a part of notes, note one that is made of such parts; both as they
// leave the device that wrote them.
func chunk(id, data string) string {
	return fmt.Sprintf(`{"_id":"%s","_rev":"1-%s","_revisions":{"start":1,"ids":["%s"]},"data":"%s","type":"leaf"}`, id, id[2:], id[2:], data)
}

func note(id, rev string, chunks ...string) string {
	list, _ := json.Marshal(chunks)
	return fmt.Sprintf(`{"_id":"%s","_rev":"%s","_revisions":{"start":1,"ids":["%s"]},"children":%s,"path":"%s","mtime":1,"ctime":1,"size":3,"type":"plain","eden":{}}`,
		id, rev, rev[2:], list, id)
}

// milestone reads and writes the local documents by which devices know each other.
func (d device) milestone() {
	d.t.Helper()
	for _, path := range []string{"/vault/_local/obsydian_livesync_milestone", "/vault/_local/obsidian_livesync_sync_parameters"} {
		var doc struct {
			Rev   string `json:"_rev"`
			Nodes []int
		}
		a := d.do("GET", path, "")
		body := `{"_id":"` + strings.TrimPrefix(path, "/vault/") + `","type":"milestoneinfo","nodes":[1]}`
		if a.status == http.StatusOK {
			if err := json.Unmarshal(a.text, &doc); err != nil || len(doc.Nodes) != 1 {
				d.t.Errorf("GET %s: %s, %v", path, a.text, err)
			}
			body = strings.Replace(body, `{`, `{"_rev":"`+doc.Rev+`",`, 1)
		} else if a.status != http.StatusNotFound {
			d.t.Fatalf("GET %s: %d %s", path, a.status, a.text)
		}
		var written struct {
			OK  bool
			Rev string
		}
		if d.want(http.StatusCreated, "PUT", path, body, &written); !written.OK || written.Rev == "" || written.Rev == doc.Rev {
			d.t.Errorf("PUT %s: %+v", path, written)
		}
	}
}

// push makes PouchDB's requests of a replication to the server. The checkpoint's
// id is one as PouchDB makes them, base64 with its padding escaped.
func (d device) push(checkpoint string, docs ...string) {
	d.t.Helper()
	path := "/vault/_local/" + strings.ReplaceAll(checkpoint, "=", "%3D")
	var info struct {
		UpdateSeq string `json:"update_seq"`
	}
	d.want(http.StatusOK, "GET", "/vault/", "", &info)
	if number, _, _ := strings.Cut(info.UpdateSeq, "-"); !isNumber(number) {
		d.t.Errorf("update_seq is %q", info.UpdateSeq)
	}
	var last struct {
		Rev string `json:"_rev"`
	}
	if a := d.do("GET", path, ""); a.status == http.StatusOK {
		if err := json.Unmarshal(a.text, &last); err != nil {
			d.t.Fatal(err)
		}
	} else if a.status != http.StatusNotFound {
		d.t.Fatalf("GET %s: %d %s", path, a.status, a.text)
	}
	asks, wanted := map[string][]string{}, map[string]struct{ Missing []string }{}
	for _, text := range docs {
		id, rev := idAndRev(d.t, text)
		asks[id] = []string{rev}
	}
	ask, _ := json.Marshal(asks)
	d.want(http.StatusOK, "POST", "/vault/_revs_diff", string(ask), &wanted)
	if len(wanted) != len(docs) {
		d.t.Errorf("_revs_diff wants %v", wanted)
	}
	var failed []any
	d.want(http.StatusCreated, "POST", "/vault/_bulk_docs", `{"docs":[`+strings.Join(docs, ",")+`],"new_edits":false}`, &failed)
	if len(failed) > 0 {
		d.t.Errorf("_bulk_docs: %v", failed)
	}
	d.want(http.StatusOK, "POST", "/vault/_revs_diff", string(ask), &wanted)
	rev := ""
	if last.Rev != "" {
		rev = `"_rev":"` + last.Rev + `",`
	}
	d.want(http.StatusCreated, "PUT", path, fmt.Sprintf(
		`{"_id":"_local/%s",%s"session_id":"x","last_seq":1,"history":[{"last_seq":1,"session_id":"x"}],"replicator":"pouchdb","version":1}`, checkpoint, rev), nil)
}

func isNumber(s string) bool {
	_, err := strconv.Atoi(s)
	return err == nil
}

func idAndRev(t *testing.T, text string) (id, rev string) {
	t.Helper()
	var doc struct {
		ID  string `json:"_id"`
		Rev string `json:"_rev"`
	}
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return doc.ID, doc.Rev
}

// withoutChunks is the selector of a device that fetches chunks when it needs them.
const withoutChunks = `{"selector":{"type":{"$ne":"leaf"}}}`

// pull makes PouchDB's requests of a replication from the server, without chunks,
// and returns how far it came.
func (d device) pull() (since string) {
	d.t.Helper()
	d.want(http.StatusNotFound, "GET", "/vault/_local/pull-1%3D%3D", "", &refusal{})
	var got []string
	for since = "0"; ; {
		var p page
		d.want(http.StatusOK, "POST", "/vault/_changes?style=all_docs&filter=_selector&since="+since+"&limit=1", withoutChunks, &p)
		if p.Pending == nil || p.LastSeq == "" || len(p.Results) > 1 {
			d.t.Fatalf("_changes: %+v", p)
		}
		since = p.LastSeq
		if len(p.Results) == 0 {
			break
		}
		got = append(got, p.ids())
	}
	if strings.Join(got, " ") != "obsydian_livesync_version a.md" {
		d.t.Errorf("without chunks there are %v", got)
	}
	var bulk struct {
		Results []struct {
			ID   string
			Docs []struct{ OK map[string]any }
		}
	}
	d.want(http.StatusOK, "POST", "/vault/_bulk_get?revs=true&latest=true", `{"docs":[{"id":"a.md","rev":"1-a"}]}`, &bulk)
	if len(bulk.Results) != 1 || bulk.Results[0].Docs[0].OK["path"] != "a.md" || bulk.Results[0].Docs[0].OK["_revisions"] == nil {
		d.t.Errorf("_bulk_get: %+v", bulk)
	}
	d.want(http.StatusCreated, "PUT", "/vault/_local/pull-1%3D%3D", `{"_id":"_local/pull-1==","session_id":"y","last_seq":"`+since+`","history":[],"replicator":"pouchdb","version":1}`, nil)
	return since
}

// follow asks for the next change behind since, and waits for it.
func (d device) follow(since string) <-chan page {
	d.t.Helper()
	pages := make(chan page, 1)
	res := d.send("POST", "/vault/_changes?style=all_docs&feed=longpoll&heartbeat=30000&filter=_selector&limit=25&since="+since, withoutChunks)
	go func() {
		defer res.Body.Close()
		var p page
		if err := json.NewDecoder(res.Body).Decode(&p); err != nil {
			d.t.Errorf("the live feed: %v", err)
		}
		pages <- p
	}()
	return pages
}

// fetchChunks fetches chunks by their ids, one of which nobody has.
func (d device) fetchChunks() {
	d.t.Helper()
	var all struct {
		Rows []struct {
			ID, Key, Error string
			Value          struct{ Rev string }
			Doc            map[string]any
		}
	}
	const keys = `{"keys":["h:3","h:missing","h:1"]}`
	d.want(http.StatusOK, "POST", "/vault/_all_docs?include_docs=true", keys, &all)
	if len(all.Rows) != 3 || all.Rows[0].Doc["data"] != "three" || all.Rows[2].Doc["data"] != "one" {
		d.t.Errorf("chunks: %+v", all)
	}
	if missing := all.Rows[1]; missing.Key != "h:missing" || missing.Error != "not_found" {
		d.t.Errorf("a missing chunk: %+v", missing)
	}
	if d.want(http.StatusOK, "POST", "/vault/_all_docs", keys, &all); len(all.Rows) != 3 || all.Rows[0].Value.Rev != "1-3" {
		d.t.Errorf("chunks without documents: %+v", all)
	}
}

// sizes reads what LiveSync shows of the vault.
func (d device) sizes() {
	d.t.Helper()
	var info struct {
		Sizes    struct{ File *int64 }
		DocCount int `json:"doc_count"`
	}
	d.want(http.StatusOK, "GET", "/vault/", "", &info)
	if info.Sizes.File == nil || info.DocCount != 6 {
		d.t.Errorf("the vault is %+v", info)
	}
}

// rebuild makes the vault anew; a sequence of the old one must start over.
func (d device) rebuild() {
	d.t.Helper()
	var old, again page
	d.want(http.StatusOK, "GET", "/vault/_changes?since=now&limit=1", "", &old)
	d.want(http.StatusOK, "DELETE", "/vault/", "", nil)
	d.want(http.StatusNotFound, "GET", "/vault/", "", nil)
	d.want(http.StatusCreated, "PUT", "/vault/", "", nil)
	d.push("push-2==", note("c.md", "1-c"))
	d.want(http.StatusOK, "GET", "/vault/_changes?style=all_docs&since="+old.LastSeq, "", &again)
	if again.ids() != "c.md" {
		d.t.Errorf("the new vault shows %q behind an old sequence", again.ids())
	}
}

// The queries of LiveSync's fetch of a whole vault.
const (
	probe  = "/vault/_changes?feed=normal&include_docs=false&style=all_docs&conflicts=true&revs=true&limit=1&since="
	stream = "/vault/_changes?feed=continuous&include_docs=true&style=all_docs&conflicts=true&revs=true&limit=10000&timeout=1000&since="
)

func TestFastFetch(t *testing.T) {
	t.Parallel()
	d := newDevice(t, settletest.Start(t, settletest.Options{}))
	d.want(http.StatusCreated, "PUT", "/vault", "", nil)
	const all = 1200
	var docs []string
	for i := range all {
		docs = append(docs, chunk(fmt.Sprintf("h:%d", i), strings.Repeat("x", 500)))
	}
	d.push("push-1==", docs...)
	var end, before page
	d.want(http.StatusOK, "GET", probe+"now", "", &end)
	if end.LastSeq == "" || len(end.Results) != 0 {
		t.Fatalf("the end is %+v", end)
	}
	d.want(http.StatusOK, "GET", probe+"0", "", &before)
	if before.Pending == nil || *before.Pending != all-1 || len(before.Results) != 1 {
		t.Fatalf("before: %+v", before)
	}
	rows, last := d.fetch("0", nil)
	if rows != all {
		t.Errorf("%d rows came", rows)
	}
	var after page
	d.want(http.StatusOK, "GET", probe+last, "", &after)
	if after.Pending == nil || *after.Pending != 0 || len(after.Results) != 0 {
		t.Errorf("after: %+v", after)
	}
	rows, _ = d.fetch(last, func() { d.push("push-1==", note("late.md", "1-d")) })
	if rows != 1 {
		t.Errorf("%d rows came behind the end", rows)
	}
	for _, who := range []device{d.as("admin", "wrong"), d.as("nobody", "pass")} {
		if a := who.do("GET", probe+"0", ""); a.status != http.StatusUnauthorized {
			t.Errorf("refused by %d %s", a.status, a.text)
		}
	}
}

// fetch reads the stream of changes to its end, and returns how many rows there
// were and where it ended. Where during is given it runs while the stream is
// open, and the rows must come at once, not with the end.
func (d device) fetch(since string, during func()) (rows int, last string) {
	d.t.Helper()
	res := d.send("GET", stream+since, "")
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		d.t.Fatalf("the stream: %s", res.Status)
	}
	if during != nil {
		during()
	}
	lines, newest := json.NewDecoder(res.Body), time.Now()
	for {
		var line struct {
			row
			LastSeq string `json:"last_seq"`
		}
		err := lines.Decode(&line)
		if err == io.EOF && last != "" {
			return rows, last
		}
		if err != nil {
			d.t.Fatalf("the stream, behind %d rows: %v", rows, err)
		}
		if line.LastSeq != "" {
			// The server waits a second. What comes with the end comes at the same moment.
			if idle := time.Since(newest); idle < 50*time.Millisecond || idle > time.Minute {
				d.t.Errorf("the stream ended %v behind the last row", idle)
			}
			last = line.LastSeq
			continue
		}
		if line.Seq == "" || line.ID == "" || line.Doc["_revisions"] == nil && line.Doc["_id"] != line.ID {
			d.t.Fatalf("a row is %+v", line)
		}
		rows, newest = rows+1, time.Now()
	}
}

// TestStreamEndsAtLimit asks for fewer rows than there are.
func TestStreamEndsAtLimit(t *testing.T) {
	t.Parallel()
	d := newDevice(t, settletest.Start(t, settletest.Options{}))
	d.want(http.StatusCreated, "PUT", "/vault", "", nil)
	d.push("push-1==", chunk("h:1", "one"), chunk("h:2", "two"), chunk("h:3", "three"))
	a := d.want(http.StatusOK, "GET", strings.Replace(stream, "limit=10000", "limit=2", 1)+"0", "", nil)
	lines := strings.Split(strings.TrimSpace(string(a.text)), "\n")
	if len(lines) != 3 || !strings.HasPrefix(lines[2], `{"last_seq":"2-`) {
		t.Errorf("the stream is %s", a.text)
	}
}
