package documents_test

import (
	"fmt"
	"io"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"settle/storage/couch"
)

func TestBulkDocs(t *testing.T) {
	b := newBench(t)
	b.play(
		step{do: "POST /db/_bulk_docs", status: 201,
			body: `{"docs":[{"_id":"b","v":1},{"_id":"_local/l"},{"_id":"a","v":1},{"_id":"a","v":2}]}`,
			want: `[` + saved("b", rev1) + `,` + saved("_local/l", "0-1") + `,` + saved("a", rev1) +
				`,{"id":"a","error":"conflict","reason":"Document update conflict."}]`},
		step{do: "POST /db/_bulk_docs", body: `{"docs":[{"v":1}]}`, status: 201, has: []string{`"ok":true`, rev1}},
		// new_edits counts wherever it stands
		step{do: "POST /db/_bulk_docs", body: `{"docs":[{"_id":"r","_rev":"3-x"}],"new_edits":false}`, status: 201, want: `[]`},
		step{do: "GET /db/r", status: 200, want: `{"_id":"r","_rev":"3-x"}`},
		step{do: "POST /db/_bulk_docs", body: `{"docs":[]}`, status: 201, want: `[]`},
		step{do: "POST /db/_bulk_docs", body: `{"all_or_nothing":true,"docs":[{"_id":"n","_rev":"2-q"}]}`, status: 417,
			want: `[{"id":"n","rev":"2-q","error":"not_implemented","reason":"all_or_nothing is not supported"}]`},
		step{do: "POST /db/_bulk_docs", body: `{"all_or_nothing":true,"docs":[{"_id":"n"}]}`, status: 417, has: []string{`"rev":"0-"`}},
	)
}

// Anything that is wrong with one document refuses the batch: nothing of it is
// written, and the contents that came with it are gone.
func TestBulkDocsRefused(t *testing.T) {
	b := newBench(t)
	large := strings.Repeat("QUJD", 1<<17) // stored as a file
	good := `{"_id":"good","_attachments":{"x":{"data":"` + large + `"}}}`
	for _, c := range []struct {
		body   string
		status int
	}{
		{``, 400},
		{`[]`, 400},
		{`{}`, 400},
		{`{"docs":{}}`, 400},
		{`{"docs":null}`, 400},
		{`{"docs":[` + good + `,1]}`, 400},
		{`{"docs":[` + good + `,{"_id":5}]}`, 400},
		{`{"docs":[` + good + `,{"_foo":5}]}`, 400},
		{`{"docs":[` + good + `,{"_id":""}]}`, 400},
		{`{"docs":[` + good + `,{"_rev":"x"}]}`, 400},
		{`{"docs":[` + good + `],"new_edits":"false"}`, 400},
		{`{"docs":[` + good + `],"new_edits":false}`, 400},
		{`{"docs":[` + good + `,{"_id":"_local/l","_rev":"1-x"}]}`, 400},
		{`{"docs":[` + good + `,{"_attachments":{"x":{"follows":true,"length":1}}}]}`, 400},
		{`{"docs":[` + good + `,{"_attachments":{"x":{"stub":true}}}]}`, 412},
		{`{"docs":[` + good + `,{"_attachments":{"x":{"data":"?"}}}]}`, 400},
		{`{"docs":[` + good + `,{"a":"` + strings.Repeat("x", 100) + `"}]}`, 413},
		{`{"docs":[` + good + `,]}`, 400},
		{`{"docs":[` + good + `]`, 400},
		{`{"docs":[` + good + `]} x`, 400},
		{`{"docs":[` + good[:len(good)/2], 400},
	} {
		b.limits.MaxDocumentSize = 60
		b.unchanged(func() {
			res := b.send(step{do: "POST /db/_bulk_docs", body: c.body})
			if res.Code != c.status {
				t.Errorf("...%s: status %d, want %d: %s", c.body[max(0, len(c.body)-60):], res.Code, c.status, res.Body)
			}
		})
	}
	b.unchanged(func() {
		b.play(step{do: "POST /db/_bulk_docs", header: "Content-Type: text/plain", body: `{"docs":[{}]}`, status: 415})
	})
}

func TestBulkGet(t *testing.T) {
	b := newBench(t)
	first := b.write(step{do: "PUT /db/a", body: `{"_attachments":{"x":{"data":"aGVsbG8="}}}`})
	missing := func(id, rev, reason, err string) string {
		return `{"id":` + id + `,"docs":[{"error":{"rev":` + rev + `,"reason":"` + reason + `","id":` + id + `,"error":"` + err + `"}}]}`
	}
	for ask, want := range map[string]string{
		`{"id":"none"}`:                       missing(`"none"`, `"undefined"`, "missing", "not_found"),
		`{"id":"a","rev":"9-z"}`:              missing(`"a"`, `"9-z"`, "missing", "not_found"),
		`{"id":"a","rev":"bad"}`:              missing(`"a"`, `"bad"`, "Invalid rev format", "bad_request"),
		`{"id":"a","rev":null}`:               missing(`"a"`, `null`, "Invalid rev format", "bad_request"),
		`{"id":"a","rev":[ 1 ]}`:              missing(`"a"`, `[1]`, "Invalid rev format", "bad_request"),
		`{"id":""}`:                           missing(`""`, `null`, "Document id must not be empty", "illegal_docid"),
		`{"id":5}`:                            missing(`5`, `null`, "Document id must be a string", "illegal_docid"),
		`{"id":"_local/x"}`:                   missing(`"_local/x"`, `"undefined"`, "missing", "not_found"),
		`{"rev":"1-x"}`:                       missing(`null`, `null`, "document id missed", "bad_request"),
		`"x"`:                                 missing(`null`, `null`, "document must be a JSON object", "bad_request"),
		`{"id":"a","atts_since":5}`:           missing(`"a"`, `5`, "att_since value must be array of revs.", "bad_request"),
		`{"id":"a","atts_since":["1-a","b"]}`: missing(`"a"`, `"b"`, "Invalid rev format", "bad_request"),
	} {
		b.play(step{do: "POST /db/_bulk_get", body: `{"docs":[` + ask + `]}`, status: 200, want: `{"results":[` + want + `]}`})
	}
	b.play(
		step{do: "POST /db/_bulk_get", body: `{"x":{},"docs":[{"id":"a"},{"id":"a","rev":"` + first + `"}]}`, status: 200, has: []string{`"stub":true}}}}]},{"id":"a"`}},
		step{do: "POST /db/_bulk_get?attachments=true&revs=true", body: `{"docs":[{"id":"a"}]}`, status: 200, has: []string{`"data":"aGVsbG8="`, `"_revisions"`}},
		step{do: "POST /db/_bulk_get", body: `{"docs":[{"id":"a","atts_since":["1-x"]}]}`, status: 200, has: []string{`"data":"aGVsbG8="`}},
		step{do: "POST /db/_bulk_get", header: "Accept: multipart/mixed", body: `{"docs":[{"id":"a"},{"id":"none"},{"id":"a","rev":"9-z"}]}`, status: 200,
			has: []string{"\r\n\r\nhello\r\n--", `{"rev":"undefined","reason":"missing","id":"none","error":"not_found"}`, `{"rev":"9-z","error":"not_found","reason":"missing"}`}},
		step{do: "POST /db/_bulk_get", body: `{"docs":[]}`, status: 200, want: `{"results":[]}`},
		step{do: "POST /db/_bulk_get", body: `{}`, status: 400},
		step{do: "POST /db/_bulk_get", body: `{"docs":{}}`, status: 400},
		step{do: "POST /db/_bulk_get", body: `{"docs":[{"id":"a"}`, status: 400},
		step{do: "POST /db/_bulk_get", body: `{"docs":[]}]`, status: 400},
		step{do: "POST /db/_bulk_get?rev=1-x", body: `{"docs":[]}`, status: 400},
		step{do: "POST /db/_bulk_get?open_revs=all", body: `{"docs":[]}`, status: 400},
	)
}

func TestRevsDiff(t *testing.T) {
	b := newBench(t)
	b.play(
		step{do: "POST /db/_bulk_docs", body: `{"new_edits":false,"docs":[{"_id":"d","_revisions":{"start":2,"ids":["b","a"]}},{"_id":"d","_rev":"2-c"}]}`, status: 201},
		step{do: "POST /db/_revs_diff", body: `{"d":["2-b","9-z","1-a"],"none":["1-y","1-x","1-y"],"e":[]}`, status: 200,
			want: `{"d":{"missing":["9-z"],"possible_ancestors":["2-c","2-b"]},"none":{"missing":["1-y","1-x","1-y"]}}`},
		step{do: "POST /db/_missing_revs", body: `{"d":["2-b","9-z"]}`, status: 200, want: `{"missing_revs":{"d":["9-z"]}}`},
		step{do: "POST /db/_revs_diff", body: `{"d":["8-z"],"d":["2-b"]}`, status: 200, want: `{}`},
		step{do: "POST /db/_revs_diff", body: `{}`, status: 200, want: `{}`},
		step{do: "POST /db/_revs_diff", body: `[]`, status: 400, want: `{"error":"bad_request","reason":"Request body must be a JSON object"}`},
		step{do: "POST /db/_revs_diff", body: `{"d":"2-b"}`, status: 400},
		step{do: "POST /db/_revs_diff", body: `{"d":[5]}`, status: 400},
		step{do: "POST /db/_revs_diff", body: `{"d":["x"]}`, status: 400},
		step{do: "POST /db/_revs_diff", body: `{"d":["2-b"]`, status: 400},
		step{do: "POST /db/_revs_diff", header: "Content-Type: text/plain", body: `{}`, status: 415},
	)
}

// What a request asks about is bounded, however small its entries are.
func TestAsksAreBounded(t *testing.T) {
	b := newBench(t)
	b.play(
		step{do: "POST /db/_bulk_get", body: `{"docs":[` + strings.Repeat("{},", 1<<17) + `{}]}`, status: 413},
		step{do: "POST /db/_revs_diff", body: `{"d":[` + strings.Repeat(`"1-a",`, 1<<20) + `"1-a"]}`, status: 413},
		step{do: "POST /db/_bulk_docs", body: `{"docs":[` + strings.Repeat("{},", 1<<17) + `{}]}`, status: 413},
	)
}

// What is wrong with the batch is told first, then the first document with which
// something is wrong.
func TestBulkDocsPrecedence(t *testing.T) {
	b := newBench(t)
	const docs = "{\"error\":\"bad_request\",\"reason\":\"`docs` parameter must be an array.\"}"
	const newEdits = "{\"error\":\"bad_request\",\"reason\":\"`new_edits` must be a boolean.\"}"
	const twice = "{\"error\":\"bad_request\",\"reason\":\"`docs` parameter must not be given twice.\"}"
	const member = `{"error":"doc_validation","reason":"Bad special document member: _foo"}`
	const follows = `{"error":"bad_request","reason":"Attachment a does not follow"}`
	for _, c := range []struct{ body, want string }{
		{`{"new_edits":false,"docs":[{"_id":"a"},{"_id":"b","_rev":"1-a","_foo":1}]}`, noRev},
		{`{"docs":[{"_id":"a"},{"_id":"b","_rev":"1-a","_foo":1}],"new_edits":false}`, noRev},
		{`{"new_edits":false,"docs":[{"_id":"b","_foo":1},{"_id":"a"}]}`, member},
		{`{"docs":[{"_id":"a"},{"_foo":1}]}`, member},
		{`{"docs":[{"_attachments":{"a":{"follows":true}}},{"_foo":1},{"_id":5}]}`, follows},
		{`{"docs":[{"_foo":1},{"_attachments":{"a":{"follows":true}}}]}`, member},
		{`{"docs":[{"_foo":1}],"new_edits":5}`, newEdits},
		{`{"new_edits":5,"docs":5}`, docs},
		{`{"docs":[{"_foo":1}],"docs":5}`, twice},
		{`{"docs":[{"_id":"a"}],"docs":[{"_id":"b"}]}`, twice},
		{`{"docs":5,"docs":[{"_id":"b"}]}`, docs},
		{`{"docs":[{"_id":"a","_foo":1}],"all_or_nothing":true}`, member},
	} {
		b.unchanged(func() { b.play(step{do: "POST /db/_bulk_docs", body: c.body, status: 400, want: c.want}) })
	}
	b.play(step{do: "POST /db/_bulk_docs", body: `{"new_edits":5,"docs":[{"_id":"z"}],"new_edits":true}`, status: 201})
}

// A batch that lacks what its kind demands is refused whichever member comes first; so
// is one that has spooled by then, and nothing of it is left.
func TestBulkDocsKindComesLast(t *testing.T) {
	b := newBench(t)
	pad := strings.Repeat("x", 1<<20)
	docs := `{"_id":"_local/l"},{"_id":"a"`
	for range 6 {
		docs += `},{"pad":"` + pad + `"`
	}
	b.unchanged(func() {
		b.play(step{do: "POST /db/_bulk_docs", body: `{"docs":[` + docs + `}],"new_edits":false}`, status: 400, want: noRev})
		b.play(step{do: "POST /db/_bulk_docs", body: `{"docs":[` + docs + `}],"new_edits":5}`, status: 400})
		b.play(step{do: "POST /db/_bulk_docs", body: `{"docs":[` + docs + `}],"all_or_nothing":true}`, status: 417})
		b.play(step{do: "POST /db/_bulk_docs", body: `{"docs":[` + docs + `}]`, status: 400})
	})
	b.play(step{do: "POST /db/_bulk_docs", body: `{"docs":[` + docs + `}]}`, status: 201})
}

// repeated gives a text n times, and the heap's size now and then.
type repeated struct {
	text    string
	n, at   int
	highest uint64
}

const heapEvery = 100 // times

func (r *repeated) Read(b []byte) (int, error) {
	if r.n == 0 {
		return 0, io.EOF
	}
	n := copy(b, r.text[r.at:])
	if r.at += n; r.at == len(r.text) {
		r.at = 0
		if r.n--; r.n%heapEvery == 0 {
			r.highest = max(r.highest, heap())
		}
	}
	return n, nil
}

func heap() uint64 {
	var stats runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

// Memory does not grow with a batch, though its kind comes behind all documents.
func TestBulkDocsMemory(t *testing.T) {
	const n, most = 1000, 24 << 20
	b := newBench(t)
	doc := `{"_rev":"1-a","pad":"` + strings.Repeat("x", 100<<10) + `"},`
	for _, c := range []struct {
		tail   string
		status int
	}{{`{"_id":"last","_rev":"1-a"}],"new_edits":false}`, 201}, {`{"_id":"last"}],"new_edits":"no"}`, 400}} {
		docs := &repeated{text: doc, n: n}
		body := io.MultiReader(strings.NewReader(`{"docs":[`), docs, strings.NewReader(c.tail))
		before := heap()
		res := httptest.NewRecorder()
		b.handler.ServeHTTP(res, step{do: "POST /db/_bulk_docs"}.request(body))
		if res.Code != c.status {
			t.Fatalf("%s: status %d: %.200s", c.tail, res.Code, res.Body)
		}
		if docs.highest > before+most {
			t.Errorf("the heap grew by %d kB for %d kB", (docs.highest-before)>>10, n*len(doc)>>10)
		}
	}
	info, err := b.db.Info(t.Context())
	if err != nil || info.DocCount != n+1 {
		t.Errorf("there are %d documents, %v", info.DocCount, err)
	}
}

// Local documents of a batch are held until the others are written: they are bounded.
func TestBulkDocsLocal(t *testing.T) {
	b := newBench(t)
	pad := strings.Repeat("x", 4<<20)
	local := func(i int) string { return fmt.Sprintf(`{"_id":"_local/%d","pad":%q}`, i, pad) }
	b.unchanged(func() {
		b.play(step{do: "POST /db/_bulk_docs", body: `{"docs":[{"_id":"a"},` + local(0) + "," + local(1) + "," + local(2) + "," + local(3) + "]}", status: 413})
	})
	b.play(step{do: "POST /db/_bulk_docs", body: `{"docs":[{"_id":"a"},` + local(0) + "," + local(1) + "]}", status: 201})
	if doc, err := b.db.GetLocal(t.Context(), couch.DocID("_local/1")); err != nil || len(doc.Body.Text) < len(pad) {
		t.Errorf("the local document: %v", err)
	}
}
