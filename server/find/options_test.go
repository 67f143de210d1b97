package find_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"settle/storage"
	"settle/storage/couch"
	"settle/storage/storagetest"
)

// What a selector cannot match of any index, nothing is looked at, the bookmark included.
func TestNothingToSearch(t *testing.T) {
	b := newBench(t, storage.CreateOptions{})
	b.must("POST", "/db/_index", `{"index":{"fields":["n"]},"ddoc":"n"}`)
	for selector, status := range map[string]int{
		`{"$and":[]}`: 200, `{"n":{"$gt":2,"$lt":1}}`: 200, `{"_id":{"$gt":"B","$lt":"a"}}`: 200,
		`{"n":{"$gt":1}}`: 400, `{"x":{"$gt":2,"$lt":1}}`: 400,
	} {
		got, answer := b.send("POST", "/db/_find", `{"selector":`+selector+`,"bookmark":"garbage"}`)
		if got != status || status == 200 && strings.Contains(answer, "bookmark") {
			t.Errorf("%s: %d %s", selector, got, answer)
		}
	}
}

// A selector sees the conflicts that the query asks for.
func TestConflictsAreMatched(t *testing.T) {
	b := newBench(t, storage.CreateOptions{})
	storagetest.Write(t, b.db, `{"_id":"alone"}`, `{"_id":"torn"}`)
	other := &couch.Document{ID: "torn", Revisions: couch.Revisions{Start: 1, Hashes: []string{"0"}}, Body: couch.Body{Text: []byte("{}")}}
	if _, err := b.db.Bulk(t.Context(), storage.Docs(other), func() (bool, error) { return true, nil }); err != nil {
		t.Fatal(err)
	}
	for query, want := range map[string][]string{
		`{"selector":{"_conflicts":{"$exists":true}}}`:                                     {},
		`{"selector":{"_conflicts":{"$exists":true}},"conflicts":true}`:                    {"torn"},
		`{"selector":{"_conflicts":{"$exists":false}},"conflicts":true}`:                   {"alone"},
		`{"selector":{"_conflicts.0":"1-0"},"conflicts":true,"fields":["_id"]}`:            {"torn"},
		`{"selector":{"_id":{"$gt":null}},"conflicts":true,"fields":["_conflicts","_id"]}`: {"alone", "torn"},
	} {
		if diff := cmp.Diff(want, b.find("/db/_find", query).ids(t)); diff != "" {
			t.Errorf("%s: %s", query, diff)
		}
	}
}

// The partition may be named by the path, the query or the body.
func TestPartitionOfQuery(t *testing.T) {
	b := newBench(t, storage.CreateOptions{Partitioned: true})
	storagetest.Write(t, b.db, `{"_id":"x:1"}`, `{"_id":"y:1"}`)
	for _, tt := range []struct{ path, body string }{
		{"/db/_partition/y/_find", `{"selector":{}}`},
		{"/db/_partition/y/_find?partition=y", `{"selector":{}}`},
		{"/db/_find?partition=y", `{"selector":{}}`},
		{"/db/_find", `{"selector":{},"partition":"y"}`},
	} {
		if got := b.find(tt.path, tt.body).ids(t); !slices.Equal(got, []string{"y:1"}) {
			t.Errorf("%s %s: %v", tt.path, tt.body, got)
		}
	}
	for _, bad := range []struct{ path, body, want string }{
		{"/db/_find?partition=y", `{"selector":{},"partition":"x"}`, `"bad_request"`},
		{"/db/_find?partition=_y", `{"selector":{}}`, `"illegal_partition"`},
		{"/db/_find?partition=y", `{"selector":{},"sort":["n"]}`, "No partitioned index exists for this sort"},
		{"/db/_find", `{"selector":{},"sort":["n"]}`, "No global index exists for this sort"},
	} {
		if status, answer := b.send("POST", bad.path, bad.body); status != 400 || !strings.Contains(answer, bad.want) {
			t.Errorf("%s %s: %d %s", bad.path, bad.body, status, answer)
		}
	}
}

// A partition of a database without partitions can be explained, but not searched.
func TestPartitionOfPlainDatabase(t *testing.T) {
	b := newBench(t, storage.CreateOptions{})
	for _, tt := range []struct {
		path   string
		status int
	}{{"/db/_find", 400}, {"/db/_explain", 200}, {"/db/_partition/p/_explain", 400}} {
		if status, answer := b.send("POST", tt.path, `{"selector":{"n":1},"partition":"p"}`); status != tt.status {
			t.Errorf("%s: %d %s", tt.path, status, answer)
		}
	}
}

// A query that stops at its limit, as there is more, has examined nothing; one that had
// to read to the end tells of everything.
func TestStatsAtTheLimit(t *testing.T) {
	b := newBench(t, storage.CreateOptions{})
	for _, id := range []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"} {
		storagetest.Write(t, b.db, `{"_id":"`+id+`","even":`+map[bool]string{true: "1", false: "0"}[id[0]%2 == 0]+`}`)
	}
	for _, tt := range []struct {
		query                        string
		keys, docs, quorum, returned int
		high                         bool // the documents examined are said to be many
	}{
		{`{"selector":{"even":1},"limit":5`, 0, 0, 0, 5, false},
		{`{"selector":{"even":1},"limit":6`, 12, 12, 0, 6, false},
		{`{"selector":{"_id":"a"},"limit":1`, 1, 1, 0, 1, false},
		{`{"selector":{"even":{"$exists":true},"_id":{"$regex":"a"}},"limit":1`, 12, 12, 0, 1, true},
		{`{"selector":{"even":1},"limit":0`, 0, 0, 0, 0, false},
		{`{"selector":{"even":2},"limit":0`, 12, 12, 0, 0, true},
		{`{"selector":{"even":1},"limit":0,"skip":6`, 12, 12, 0, 0, true},
		{`{"selector":{"even":1},"limit":2,"skip":3`, 0, 0, 0, 2, false},
		{`{"selector":{"even":1},"limit":2,"skip":4`, 12, 12, 0, 2, false},
		{`{"selector":{"even":1},"limit":5,"r":2`, 0, 0, 12, 5, false},
	} {
		f := b.find("/db/_find", tt.query+`,"execution_stats":true}`)
		if f.Stats.Keys != tt.keys || f.Stats.Docs != tt.docs || f.Stats.Quorum != tt.quorum || f.Stats.Results != tt.returned || len(f.Docs) != tt.returned {
			t.Errorf("%s: %d documents, %+v", tt.query, len(f.Docs), *f.Stats)
		}
		if strings.Contains(f.Warning, "documents examined is high") != tt.high {
			t.Errorf("%s: %q", tt.query, f.Warning)
		}
	}
}

func TestSettings(t *testing.T) {
	b := newBench(t, storage.CreateOptions{})
	storagetest.Write(t, b.db, `{"_id":"a"}`, `{"_id":"b"}`, `{"_id":"c"}`, `{"_id":"d"}`)
	for limit, found := range map[int]int{25: 4, 2: 2, 0: 0} {
		b.set.Limit = limit
		if f := b.find("/db/_find", `{"selector":{}}`); len(f.Docs) != found {
			t.Errorf("limit %d: %d documents", limit, len(f.Docs))
		}
		if explained := b.must("POST", "/db/_explain", `{"selector":{}}`); strings.Count(explained, `"limit":`+strconv.Itoa(limit)+`,`) != 2 {
			t.Errorf("limit %d: %s", limit, explained)
		}
	}
	for threshold, high := range map[int64]bool{0: false, 1: true, 3: true, 4: false} {
		b.set.Limit, b.set.ScanWarning = 25, threshold
		f := b.find("/db/_find", `{"selector":{"_id":{"$regex":"a"}}}`)
		if strings.Contains(f.Warning, "documents examined is high") != high {
			t.Errorf("threshold %d: %q", threshold, f.Warning)
		}
	}
}
