package crash_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"settle/compat-tests/settletest"
)

// known is what clients were told before the server died.
type known struct {
	mu    sync.Mutex
	revs  map[string]string // document → its newest acknowledged revision
	rows  map[int]string    // sequence → what a feed has shown there
	local map[string]string // local document → its newest acknowledged text
}

// TestKillUnderLoad kills the server while clients write and follow, several
// times in a row. Each time all that was acknowledged is there, the store is
// sound, and no sequence that was shown has come to mean something else.
func TestKillUnderLoad(t *testing.T) {
	s := settletest.Start(t, settletest.Options{})
	c := client{s.AdminURL()}
	c.must(t, http.StatusCreated, "PUT", "/load", "")
	k := &known{revs: make(map[string]string), rows: make(map[int]string), local: make(map[string]string)}
	for round := range 5 {
		var wg sync.WaitGroup
		for w := range 4 {
			wg.Go(func() { k.write(c, fmt.Sprintf("%d-%d", round, w)) })
		}
		wg.Go(func() { k.follow(c) })
		wg.Go(func() { k.checkpoint(c) })
		k.await(t, 4*(round+1))
		await(t, func() bool { return k.shown() >= 4*(round+1) })
		time.Sleep(rand.N(400 * time.Millisecond))
		s.Kill()
		wg.Wait()
		check(t, s)
		s.Restart()
		k.verify(t, c)
		if t.Failed() {
			return
		}
	}
	t.Logf("%d documents acknowledged, %d rows shown", len(k.revs), len(k.rows))
}

// write makes and changes documents, some with attachments, until the
// connection breaks.
func (k *known) write(c client, name string) {
	for n := 0; ; n++ {
		id := fmt.Sprintf("%s-%d", name, n/2)
		body := map[string]any{"n": n, "_attachments": map[string]any{
			"a": map[string]any{"content_type": "text/plain", "data": strings.Repeat("aGVsbG8g", 1+n%3*10_000)},
		}}
		if rev := k.rev(id); rev != "" {
			body["_rev"] = rev
		}
		raw, _ := json.Marshal(body)
		a, err := c.try("PUT", "/load/"+id, raw)
		if err != nil || a.status != http.StatusCreated {
			return
		}
		k.mu.Lock()
		k.revs[id] = a.body["rev"].(string)
		k.mu.Unlock()
	}
}

func (k *known) rev(id string) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.revs[id]
}

// await waits until so many documents are acknowledged.
func (k *known) await(t *testing.T, n int) {
	t.Helper()
	await(t, func() bool {
		k.mu.Lock()
		defer k.mu.Unlock()
		return len(k.revs) >= n
	})
}

// shown returns how many rows a feed has shown.
func (k *known) shown() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.rows)
}

func (k *known) checkpoint(c client) {
	for n := 0; ; n++ {
		text := strconv.Itoa(n)
		a, err := c.try("PUT", "/load/_local/checkpoint", []byte(`{"n":`+text+`}`))
		if err != nil || a.status != http.StatusCreated {
			return
		}
		k.mu.Lock()
		k.local["checkpoint"] = text
		k.mu.Unlock()
	}
}

// follow notes what a continuous feed shows.
func (k *known) follow(c client) {
	res, err := http.Get(c.url + "/load/_changes?feed=continuous&heartbeat=1000")
	if err != nil {
		return
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	for lines.Scan() {
		seq, what, ok := parseRow(lines.Bytes())
		if ok {
			k.mu.Lock()
			k.rows[seq] = what
			k.mu.Unlock()
		}
	}
}

func parseRow(line []byte) (seq int, what string, ok bool) {
	var row struct {
		Seq     string
		ID      string
		Changes []struct{ Rev string }
	}
	if err := json.Unmarshal(line, &row); err != nil || row.ID == "" {
		return 0, "", false
	}
	number, _, _ := strings.Cut(row.Seq, "-")
	seq, err := strconv.Atoi(number)
	return seq, row.ID + " " + row.Changes[0].Rev, err == nil
}

func (k *known) verify(t *testing.T, c client) {
	t.Helper()
	for id, rev := range k.revs {
		a := c.must(t, http.StatusOK, "GET", "/load/"+id+"?revs_info=true", "")
		held := func(info any) bool { return info.(map[string]any)["rev"] == rev }
		if !slices.ContainsFunc(a.body["_revs_info"].([]any), held) {
			t.Errorf("%s at %s was acknowledged, and the server has %v", id, rev, a.body["_revs_info"])
		}
		k.revs[id] = a.body["_rev"].(string)
		if n := len(c.raw(t, "/load/"+id+"/a")); n == 0 || n%6 != 0 {
			t.Errorf("the attachment of %s has %d bytes", id, n)
		}
	}
	if text, ok := k.local["checkpoint"]; ok {
		want, _ := strconv.ParseFloat(text, 64)
		a := c.must(t, http.StatusOK, "GET", "/load/_local/checkpoint", "")
		if got := a.body["n"].(float64); got < want {
			t.Errorf("the checkpoint is at %v, and %v was acknowledged", got, want)
		}
	}
	k.verifyRows(t, c)
}

func (k *known) verifyRows(t *testing.T, c client) {
	t.Helper()
	last := 0
	for line := range strings.Lines(string(c.raw(t, "/load/_changes?feed=continuous&timeout=1"))) {
		seq, what, ok := parseRow([]byte(line))
		if !ok {
			continue
		}
		last = max(last, seq)
		if shown, ok := k.rows[seq]; ok && shown != what {
			t.Errorf("sequence %d was %s and is now %s", seq, shown, what)
		}
	}
	for seq := range k.rows {
		if seq > last {
			t.Errorf("a feed has shown sequence %d, and the server is at %d", seq, last)
		}
	}
}
