package documents_test

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// The pieces that odd requests are made of.
var (
	oddMethods = []string{"GET", "HEAD", "PUT", "PUT", "PUT", "POST", "POST", "DELETE", "COPY"}
	oddPaths   = []string{
		"/db", "/db/a", "/db/a", "/db/b", "/db/a%2Fb", "/db/%FF", "/db/_bad", "/db/_design/d", "/db/_design%2Fd", "/db/_design",
		"/db/_local/l", "/db/_local", "/db/_local%2Fl", "/db/_local/l/x", "/db/a/x", "/db/b/x/y", "/db/a/_x", "/db/a/%FF",
		"/db/_design/d/x", "/db/_bulk_docs", "/db/_bulk_docs", "/db/_bulk_get", "/db/_revs_diff", "/db/_missing_revs",
		"/db//a//x", "/nodb/a", "/db/%00", "/db/..", "/db/a+b",
	}
	oddNames = []string{
		"rev", "rev", "revs", "revs_info", "open_revs", "latest", "attachments", "atts_since", "conflicts", "meta",
		"local_seq", "new_edits", "batch", "deleted_conflicts", "w", "x",
	}
	oddValues = []string{
		"true", "false", "", "all", "ok", rev1, "1-x", "0-1", "0-", "9-", "-1", "x", "99999999999999999999-a", "[]", `["1-x"]`,
		`["` + rev1 + `"]`, `[5]`, `{`, `{}`, `"all"`, "null", "[[[[", "\x00", "\xff",
	}
	oddHeaders = []string{
		"Content-Type: application/json", "Content-Type: application/json", "Content-Type: application/json", "Content-Type: text/plain",
		"Content-Type: multipart/related; boundary=B", "Content-Type: multipart/related;", "Content-Type: multipart/form-data; boundary=B",
		"Content-Encoding: gzip", "Content-Encoding: br", "If-Match: x", "If-Match: \"" + rev1 + "\"", "If-None-Match: *",
		"Accept: */*", "Accept: multipart/mixed", "Accept: multipart/related;q=0", "Range: bytes=0-1,-1", "Range: bytes=99-", "Range: bytes",
		"Destination: a", "Destination: b?rev=1-x", "Destination: _local/l", "Destination: %zz", "Referer: http://example.com/",
	}
	oddBodies = []string{
		"", "{}", "[]", "null", "5", `"x"`, "{", `{"v":1}`, `{"v":1}`, `{"_id":"a"}`, `{"_id":5}`, `{"_id":"_local/l","_rev":"0-3"}`, `{"_rev":"1-x"}`,
		`{"_rev":"` + rev1 + `","v":2}`, `{"_deleted":true}`, `{"_deleted":1}`, `{"_revisions":{"start":2,"ids":["a","b"]}}`,
		`{"_revisions":{"start":1,"ids":["a","b","c"]}}`, `{"_revisions":5}`, `{"_revisions":{"start":-1,"ids":[1]}}`,
		`{"_attachments":{"x":{"data":"aGVsbG8="}}}`, `{"_attachments":{"x":{"data":"?"}}}`, `{"_attachments":{"x":{"stub":true}}}`,
		`{"_attachments":{"x":{"follows":true,"length":5}}}`, `{"_attachments":5}`, `{"_attachments":{"x":{"content_type":5,"data":""}}}`,
		`{"_foo":1}`, `{"a":1e999}`, `{"a":"` + "\xff" + `"}`, `{"a":"\ud800"}`, strings.Repeat(`{"a":`, 2000), strings.Repeat("[", 2000),
		`{"docs":[]}`, `{"docs":[{"_id":"a","v":1},{"_id":"b"}]}`, `{"docs":[{"id":"a"},{"id":"b","rev":"1-x"},{"id":7},8]}`, `{"docs":5}`,
		`{"docs":[{"_id":"a"},{"_foo":1}]}`, `{"new_edits":false,"docs":[{"_id":"a","_rev":"2-x"}]}`, `{"docs":[{"_id":"c","_rev":"2-x"}],"new_edits":false}`,
		`{"new_edits":5,"docs":[{}]}`, `{"docs":[{"_attachments":{"x":{"stub":true}}}]}`, `{"all_or_nothing":true,"docs":[{}]}`,
		`{"a":["1-x","` + rev1 + `"],"b":[]}`, `{"a":"1-x"}`, `{"a":[5]}`, `{"a":["x"]}`,
		relatedBody(`{"_attachments":{"x":{"follows":true,"length":5}}}`, "hello"), relatedBody(`{"_attachments":{"x":{"follows":true,"length":5}}}`, "hell"),
		relatedBody(`{"_attachments":{"x":{"follows":true,"length":5,"digest":"md5-AAAAAAAAAAAAAAAAAAAAAA=="}}}`, "hello"),
		relatedBody(`{"_attachments":{"x":{"follows":true,"encoding":"gzip"}}}`, gzipped("hello")), "--B\r\n", "--B--",
	}
)

// oddRequest draws a request, mostly wrong, from all there is to get wrong.
func oddRequest(r *rand.Rand) step {
	pick := func(from []string) string { return from[r.IntN(len(from))] }
	var query, headers []string
	for range max(0, r.IntN(5)-2) {
		query = append(query, pick(oddNames)+"="+url.QueryEscape(pick(oddValues)))
	}
	for range max(0, r.IntN(5)-2) {
		headers = append(headers, pick(oddHeaders))
	}
	s := step{do: pick(oddMethods) + " " + pick(oddPaths), header: strings.Join(headers, "\n"), body: pick(oddBodies)}
	if len(query) > 0 {
		s.do += "?" + strings.Join(query, "&")
	}
	if r.IntN(8) == 0 {
		s.body = s.body[:r.IntN(len(s.body)+1)]
	}
	return s
}

// tryOdd makes a request. Whatever it is, the server answers, no answer is a
// failure of the server, and a refusal changes nothing.
func (b *bench) tryOdd(s step) (status int) {
	b.t.Helper()
	defer func() {
		if cause := recover(); cause != nil {
			b.t.Errorf("%s\n%s\n%q: %v", s.do, s.header, s.body, cause)
		}
	}()
	before := b.state()
	res := b.send(s)
	switch {
	case res.Code >= 500:
		b.t.Errorf("%s\n%s\n%q: status %d: %s", s.do, s.header, s.body, res.Code, res.Body)
	case res.Code >= 400 && !equalStates(before, b.state()):
		b.t.Errorf("%s\n%s\n%q: refused with status %d, yet something has changed", s.do, s.header, s.body, res.Code)
	}
	return res.Code
}

func TestOddRequests(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	var b *bench
	accepted := 0
	for i := range 4000 {
		if i%500 == 0 {
			b = newBench(t)
			b.limits.MaxDocumentSize = 1 << 10
		}
		if b.tryOdd(oddRequest(r)) < 300 {
			accepted++
		}
	}
	t.Logf("%d accepted", accepted)
	if accepted < 150 { // about 300 are in order
		t.Errorf("of 4000 requests only %d were accepted: they are too odd to find anything", accepted)
	}
}

// FuzzRequest tries requests that are not made of known pieces.
func FuzzRequest(f *testing.F) {
	for i, body := range oddBodies {
		path := oddPaths[i%len(oddPaths)]
		f.Add(oddMethods[i%len(oddMethods)], path, oddNames[i%len(oddNames)]+"="+url.QueryEscape(oddValues[i%len(oddValues)]), oddHeaders[i%len(oddHeaders)], body)
	}
	f.Fuzz(func(t *testing.T, method, path, query, header, body string) {
		target, err := url.Parse("http://h/db/" + strings.TrimPrefix(path, "/"))
		if err != nil || !slices.Contains(oddMethods, method) || strings.ContainsAny(header, "\r\x00") {
			t.Skip()
		}
		target.RawQuery = url.PathEscape(query)
		do := fmt.Sprintf("%s %s", method, target.RequestURI())
		if strings.ContainsAny(do[len(method)+1:], " \t\n\r") {
			t.Skip()
		}
		newBench(t).tryOdd(step{do: do, header: header, body: body})
	})
}
