package server_test

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"

	"settle/server/web"
)

// choices makes decisions out of bytes: of a fuzzer, or random ones.
type choices struct{ bytes []byte }

// left reports whether there are bytes for another request.
func (c *choices) left() bool { return len(c.bytes) > 0 }

// below returns a number from 0 to n-1; n is 256 at most.
func (c *choices) below(n int) int {
	if len(c.bytes) == 0 {
		return 0
	}
	b := c.bytes[0]
	c.bytes = c.bytes[1:]
	return int(b) % n
}

// one returns true once in n times, about.
func (c *choices) one(n int) bool { return c.below(n) == n-1 }

func (c *choices) of(list ...string) string { return list[c.below(len(list))] }

// raw returns some of the bytes themselves.
func (c *choices) raw() string {
	n := min(c.below(12), len(c.bytes))
	s := string(c.bytes[:n])
	c.bytes = c.bytes[n:]
	return s
}

// requests makes requests that are mostly near to what the server knows.
type requests struct {
	*choices
	routes []web.Route
	revs   []string // revisions that answers have named, and some that none has
	seqs   []string
}

// learn keeps what an answer names, for requests to come.
func (q *requests) learn(answer string) {
	for _, rest := range strings.Split(answer, `rev":"`)[1:] {
		if rev, _, ok := strings.Cut(rest, `"`); ok {
			q.revs = append(q.revs, rev)
		}
	}
	for _, rest := range strings.Split(answer, `seq":"`)[1:] {
		if seq, _, ok := strings.Cut(rest, `"`); ok {
			q.seqs = append(q.seqs, seq)
		}
	}
}

func (q *requests) rev() string {
	if len(q.revs) > 0 && !q.one(4) {
		recent := min(len(q.revs), 16)
		return q.revs[len(q.revs)-1-q.below(recent)]
	}
	return q.of("1-967a00dff5e02add41819138abb3284d", "1-a", "2-b", "0-1", "1", "x", "", "99999999999999999999-a", "-1-a", "1-"+strings.Repeat("f", 300), q.raw())
}

func (q *requests) seq() string {
	if len(q.seqs) > 0 && !q.one(4) {
		return q.seqs[len(q.seqs)-1-q.below(min(len(q.seqs), 16))]
	}
	return q.of("0", "now", "1", "1-abc", "", "null", `"0"`, "99999999999999999999-x", "1-g1AAAA", "-1", q.raw())
}

// names are what the parts of a path may be, the usual ones.
var names = map[string][]string{
	":db":      {"alpha", "alpha", "alpha", "beta", "a/b"},
	":doc":     {"doc", "doc", "doc", "other", "new"},
	":name":    {"doc", "doc", "other"},
	":design":  {"doc"},
	":node":    {"_local", "nonode@nohost"},
	":section": {"couchdb", "chttpd", "chttpd_auth", "admins", "uuids", "x"},
	":key": {
		"max_document_size", "max_attachment_size", "max_http_request_size", "max_document_id_length",
		"require_valid_user", "timeout", "algorithm", "jan", "_stats", "_system",
	},
	"*": {"a", "a", "b.txt", "c/d"},
}

// oddNames are what any part of a path may be.
var oddNames = []string{
	"", "_users", "_replicator", "Alpha", "_x", "é", "_design", "_local", "_changes", "%", "x y", "\xff", "..", ".", "a/b", "_design/doc",
	"_local/doc", "_e", "3", "+", "\x00", strings.Repeat("l", 400),
}

// request makes the next one.
func (q *requests) request() *http.Request {
	route := q.routes[q.below(min(len(q.routes), 256))]
	method := route.Method
	if method == web.AnyMethod || q.one(8) {
		method = q.of("GET", "HEAD", "POST", "PUT", "DELETE", "COPY", "PATCH", "OPTIONS", "TRACE", "FOO")
	}
	target := q.path(route.Path) + q.query(route.Path)
	header := http.Header{}
	body := q.body(route.Path, header)
	if method == "COPY" && !q.one(6) {
		header.Set("Destination", q.of("copied", "doc?rev="+q.rev(), "new", "_local/copied", "_design/copied"))
	}
	q.headers(header)
	req, err := http.NewRequest(method, "http://settle.example", strings.NewReader(body))
	if err != nil {
		panic(err) // every method above is a good one
	}
	u, err := url.ParseRequestURI(target)
	if err != nil {
		u = &url.URL{Path: "/"} // net/http refuses it before any handler
	}
	req.URL, req.RequestURI = u, target
	req.Header = header
	if q.one(12) {
		req.ContentLength = -1
	}
	return req
}

func (q *requests) path(pattern string) string {
	var b strings.Builder
	for part := range strings.SplitSeq(strings.TrimPrefix(pattern, "/"), "/") {
		b.WriteByte('/')
		list, ok := names[part]
		switch {
		case q.one(60):
			b.WriteString(url.PathEscape(q.raw()))
		case ok && q.one(12):
			b.WriteString(url.PathEscape(q.of(oddNames...)))
		case ok:
			b.WriteString(strings.ReplaceAll(url.PathEscape(q.of(list...)), "+", "%2B"))
		default:
			b.WriteString(part)
		}
	}
	if q.one(30) {
		b.WriteString(q.of("/", "/x", "//", "/%2F", "/.."))
	}
	return b.String()
}

// parameters are the names of query parameters that some handler reads, by the
// last part of its path.
var parameters = map[string][]string{
	"_changes": {
		"since", "limit", "feed", "filter", "heartbeat", "timeout", "style", "seq_interval", "doc_ids", "view", "last-event-id",
		"descending", "include_docs", "conflicts", "attachments", "att_encoding_info",
	},
	":doc": {
		"rev", "open_revs", "atts_since", "latest", "revs", "revs_info", "conflicts", "deleted_conflicts", "local_seq", "meta",
		"attachments", "att_encoding_info", "new_edits", "batch",
	},
	"*":         {"rev", "rev", "rev", "latest", "open_revs", "batch"},
	":db":       {"q", "n", "partitioned", "batch", "new_edits"},
	":key":      {"persist"},
	"_bulk_get": {"revs", "attachments", "latest", "att_encoding_info"},
	"_uuids":    {"count"},
	"_session":  {"basic", "next", "fail"},
	"": {
		"limit", "skip", "key", "keys", "startkey", "endkey", "start_key", "end_key", "inclusive_end", "descending", "include_docs", "conflicts",
		"update_seq", "startkey_docid", "endkey_docid", "sorted", "direction", "attachments", "reduce", "group", "stale", "stable", "update", "x",
	},
}

func (q *requests) query(path string) string {
	list, ok := parameters[path[strings.LastIndexByte(path, '/')+1:]]
	switch {
	case path == "/:db/_design/:name", path == "/:db/_local/:name":
		list = parameters[":doc"]
	case !ok || q.one(16):
		list = parameters[""]
	}
	var pairs []string
	for range q.below(4) {
		name := q.of(list...)
		pairs = append(pairs, url.QueryEscape(name)+"="+url.QueryEscape(q.value(name)))
	}
	if q.one(30) {
		pairs = append(pairs, q.of("&", "=", "%41", "a;b", "=&=", "x=%C3%28"))
	}
	if len(pairs) == 0 {
		return ""
	}
	return "?" + strings.Join(pairs, "&")
}

func (q *requests) value(name string) string {
	switch name {
	case "rev":
		return q.rev()
	case "since", "last-event-id":
		return q.seq()
	case "open_revs", "atts_since":
		return q.of("all", "[]", `["`+q.rev()+`"]`, `["`+q.rev()+`","`+q.rev()+`"]`, "[", "[1]", "x")
	case "feed":
		return q.of("normal", "longpoll", "continuous", "eventsource", "live", "x")
	case "filter":
		return q.of("_doc_ids", "_design", "_selector", "_view", "x/y", "", "_x")
	case "doc_ids", "keys":
		return q.of(`["doc"]`, `["doc","other",1,null]`, "[]", "{}", "[", `"doc"`)
	case "style":
		return q.of("all_docs", "main_only", "x")
	}
	return q.of("true", "true", "true", "false", "0", "1", "-1", "2", "", `"doc"`, `"a"`, "null", "{}", "[]", "99999999999999999999", "1.5", "x", "ok", "/a", q.raw())
}

var contentTypes = []string{
	"application/json", "application/json", "application/json", "application/json", "application/json", "application/json",
	"application/json", "application/json", "application/json", "application/json; charset=utf-8", "text/plain", "", "application/x-www-form-urlencoded",
	"multipart/form-data; boundary=b", "multipart/related; boundary=b", `multipart/related; boundary="b"`, "multipart/related", "x",
}

// headers adds some to those that go with the body.
func (q *requests) headers(h http.Header) {
	if h.Get("Content-Type") == "" {
		h.Set("Content-Type", q.of(contentTypes...))
	}
	switch q.below(40) {
	case 38: // nobody
	case 39:
		h.Set("Authorization", q.of("Basic ZXZlOnB3", "Basic x", "Bearer x", "basic", ""))
	default:
		h.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte("admin:pass")))
	}
	for range q.below(3) {
		switch q.below(12) {
		case 0:
			h.Set("If-Match", `"`+q.rev()+`"`)
		case 1:
			h.Set("If-None-Match", q.of(`"`+q.rev()+`"`, "*", "x"))
		case 2:
			h.Set("Range", q.of("bytes=0-1", "bytes=1-", "bytes=-1", "bytes=5-2", "bytes=0-0,1-1", "bytes=", "x"))
		case 3, 4:
			h.Set("Destination", q.of("copied", "doc", "_local/x", "_design/x", "copied?rev="+q.rev(), "doc?rev="+q.rev(), "", "http://x/y", "%zz", "_x", q.raw()))
		case 5:
			h.Set("Accept", q.of("application/json", "multipart/mixed", "multipart/related", "*/*", "text/html", ""))
		case 6:
			h.Set("Accept-Encoding", "gzip")
		case 7:
			h.Set("Content-Encoding", q.of("identity", "gzip", "br"))
		case 8:
			h.Set("X-HTTP-Method-Override", q.of("GET", "PUT", "DELETE", "COPY", "HEAD", "x"))
		case 9:
			if !q.one(3) {
				continue
			}
			h.Set("Cookie", "AuthSession="+q.of("", "x", "YWRtaW46MTI6YWJj", "%"))
		case 10:
			h.Set("Last-Event-ID", q.seq())
		case 11:
			h.Set(q.of("Content-MD5", "X-Couch-Full-Commit", "Referer", "Origin", "Content-Length", "Expect"), q.of("x", "true", "1", ""))
		}
	}
}

// body makes one that suits the path, more or less, and sets the headers that go
// with it.
func (q *requests) body(path string, h http.Header) string {
	text := q.suitable(path, h)
	switch q.below(40) {
	case 36:
		text = text[:q.below(min(len(text)+1, 256))]
	case 37:
		at := q.below(min(len(text)+1, 256))
		text = text[:at] + q.raw() + text[at:]
	case 38:
		text = q.of("", "[]", "{}", "null", "1", `"x"`, "[[[[", strings.Repeat("[", 5000), strings.Repeat(`{"a":`, 5000), q.raw())
	case 39:
		text = pack(text)
		h.Set("Content-Encoding", "gzip")
	}
	return text
}

func (q *requests) suitable(path string, h http.Header) string {
	last := path[strings.LastIndexByte(path, '/')+1:]
	switch last {
	case "_bulk_docs":
		return `{"docs":[` + q.document() + `,` + q.document() + `]` + q.of("", `,"new_edits":false`, `,"new_edits":true`, `,"all_or_nothing":true`, `,"new_edits":1`) + `}`
	case "_bulk_get":
		return `{"docs":[{"id":"` + q.of("doc", "other", "x") + `"},{"id":"doc","rev":"` + escape(q.rev()) + `","atts_since":["` + escape(q.rev()) + `"]}]}`
	case "_revs_diff", "_missing_revs", "_purge":
		return `{"` + q.of("doc", "other", "x") + `":["` + escape(q.rev()) + `","` + escape(q.rev()) + `"]}`
	case "_security":
		return q.of(`{"admins":{"names":["jan"]}}`, `{"members":{"roles":[]}}`, `{"members":5}`, `{}`, `[]`, `{"admins":{"names":[1]}}`)
	case "_all_docs", "_design_docs", "_local_docs", "_dbs_info":
		return `{"keys":["` + q.of("doc", "alpha", "other", "_design/doc") + `",` + q.of("1", "null", `"x"`) + `]` + q.of("", `,"limit":1`, `,"include_docs":true`, `,"skip":"x"`) + `}`
	case "queries":
		return `{"queries":[{"keys":["doc"]},{"limit":` + q.of("1", "-1", `"x"`) + `,"descending":` + q.of("true", "1") + `}]}`
	case "_changes":
		return q.of(`{"doc_ids":["doc","other"]}`, `{"selector":{"a":1}}`, `{"doc_ids":1}`, `{"selector":5}`, `{}`)
	case ":key", "_revs_limit", "_purged_infos_limit":
		return q.of("5", "1000", `"10"`, `"infinity"`, `"true"`, `"x"`, `""`, "0", "-5", "{}", "1.5")
	case "_cluster_setup":
		return q.of(`{"action":"enable_single_node"}`, `{"action":"finish_cluster"}`, `{"action":"x"}`, `{}`)
	case "_session":
		return q.of(`{"name":"eve","password":"x"}`, `name=eve&password=x`, `{"name":1}`, `[]`)
	case ":db", ":doc", ":name":
		return q.documentBody(h)
	}
	return q.of("content", `"5"`, "{}", strings.Repeat("y", 9000))
}

// documentBody is a document as JSON, in parts, or as a form.
func (q *requests) documentBody(h http.Header) string {
	switch q.below(8) {
	case 6:
		h.Set("Content-Type", `multipart/related; boundary="b"`)
		n := q.of("5", "5", "4", "-1")
		return "--b\r\nContent-Type: application/json\r\n\r\n" +
			`{"_attachments":{"a":{"follows":true,"content_type":"text/plain","length":` + n + `}}}` +
			"\r\n--b\r\n\r\nhello\r\n--b" + q.of("--", "", "\r\n")
	case 7:
		h.Set("Content-Type", "multipart/form-data; boundary=b")
		return "--b\r\nContent-Disposition: form-data; name=\"_rev\"\r\n\r\n" + q.rev() +
			"\r\n--b\r\nContent-Disposition: form-data; name=\"_attachments\"; filename=\"f.txt\"\r\n\r\nhello\r\n--b--"
	}
	return q.document()
}

// document is a document as JSON.
func (q *requests) document() string {
	var members []string
	if !q.one(3) {
		members = append(members, `"_rev":"`+escape(q.rev())+`"`)
	}
	for range q.below(5) {
		members = append(members, q.member())
	}
	return "{" + strings.Join(members, ",") + "}"
}

func (q *requests) member() string {
	switch q.below(14) {
	case 0, 1:
		return `"_id":"` + q.of("doc", "other", "new", "_design/doc", "_local/doc", "", "_x", `\ud800`, "é") + `"`
	case 5:
		return `"_deleted":` + q.of("true", "false", "null", "1")
	case 6:
		return `"_revisions":{"start":` + q.of("2", "1", "0", "-1", "99999999999999999999", `"x"`) + `,"ids":["` + q.of("b", "c", "") + `","a"]}`
	case 7, 8:
		return `"_attachments":{"` + q.of("a", "b.txt", "", "_x") + `":` + q.attachment() + `}`
	case 9:
		return `"` + q.of("_x", "_conflicts", "_local_seq", "_access", "_revs_info", "_rev", "_id") + `":` + q.of("1", "[]", "null", `"x"`, "{}")
	}
	return `"` + q.of("a", "b", "validate_doc_update", "views", "é") + `":` +
		q.of("1", "-0.0", "1e400", "1e-7", "123456789012345678901234567890", `"text"`, `"\u0000"`, "[1,{}]", `{"m":{"map":"x"}}`, "null", `"`+strings.Repeat("z", 3000)+`"`)
}

func (q *requests) attachment() string {
	return q.of(
		`{"data":"aGVsbG8=","content_type":"text/plain"}`, `{"data":""}`, `{"data":"?"}`, `{"data":5}`, `{"stub":true}`, `{"stub":true,"revpos":1,"digest":"md5-x"}`,
		`{"follows":true,"length":5}`, `{"data":"H4sIAAAAAAAA/8tIzcnJBwCGphA2BQAAAA==","encoding":"gzip"}`, `{}`, `"text"`, `null`,
	)
}

// escape makes a text safe between the quotes of JSON; the rest is up to the server.
func escape(s string) string { return strings.NewReplacer(`"`, "", `\`, "").Replace(s) }
