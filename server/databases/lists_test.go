package databases_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"testing"

	"settle/attachments"
	"settle/storage"
	"settle/storage/couch"
)

const rev = "1-967a00dff5e02add41819138abb3284d" // of {}

// rowsOf prints a list as CouchDB does. Keys behind "!" are not found, ids
// behind "-" are deleted.
func rowsOf(total, offset string, ids ...string) string {
	var rows []string
	for _, id := range ids {
		name, missing := strings.CutPrefix(id, "!")
		value := `{"rev":"` + rev + `"}`
		if missing {
			rows = append(rows, `{"key":`+name+`,"error":"not_found"}`)
			continue
		}
		if name, missing = strings.CutPrefix(id, "-"); missing {
			value = `{"rev":"1-de715bf126efc93d225d9e3f8e8eb81a","deleted":true}`
		}
		rows = append(rows, fmt.Sprintf(`{"id":%q,"key":%q,"value":%s}`, name, name, value))
	}
	return `{"total_rows":` + total + `,"offset":` + offset + ",\"rows\":[\r\n" + strings.Join(rows, ",\r\n") + "\r\n]}"
}

func TestAllDocs(t *testing.T) {
	b := newBench(t)
	db := b.create("alpha", "a", "b", "c", "-gone", "_design/x")
	seq := db.FormatSeq(5)
	all := rowsOf("4", "0", "_design/x", "a", "b", "c")
	tests := []struct{ query, body, want string }{
		{"", "-", all},
		{"", "{}", all},
		{"", `{"queries":[{"limit":1}],"other":5}`, all},
		{`startkey="b"`, "-", rowsOf("4", "2", "b", "c")},
		{`start_key="aa"&end_key="b"`, "-", rowsOf("4", "2", "b")},
		{`endkey="b"&inclusive_end=false`, "-", rowsOf("4", "0", "_design/x", "a")},
		{`startkey="b"&endkey="b"`, "-", rowsOf("4", "2", "b")},
		{`startkey="c"&endkey="a"`, "-", rowsOf("4", "3")},
		{`startkey="z"`, "-", rowsOf("4", "4")},
		{`key="b"`, "-", rowsOf("4", "2", "b")},
		{`key="gone"`, "-", rowsOf("4", "4")},
		{`descending=true`, "-", rowsOf("4", "0", "c", "b", "a", "_design/x")},
		{`descending=TRUE&startkey="b"&endkey="a"`, "-", rowsOf("4", "1", "b", "a")},
		{`descending=true&startkey="a"&endkey="b"`, "-", rowsOf("4", "2")},
		{`descending=true&startkey="b"&endkey="a"&inclusive_end=false`, "-", rowsOf("4", "1", "b")},
		{`limit=1&skip=2`, "-", rowsOf("4", "2", "b")},
		{`limit=0`, "-", rowsOf("4", "0")},
		{`skip=100`, "-", rowsOf("4", "4")},
		{`skip=9223372036854775807`, "-", rowsOf("4", "4")},
		{`skip=99999999999999999999`, "-", rowsOf("4", "4")},
		{`limit=99999999999999999999`, "-", all},
		{`limit=99999999999999999999&skip=99999999999999999999`, "-", rowsOf("4", "4")},
		{`reduce=false&group=false&group_level=0`, "-", all},
		{`group=true&group_level=0`, "-", all},
		{`stale=ok&update=lazy&stable=true`, "-", all},
		{`stale=update_after&update=false`, "-", all},
		{`update=true`, `{"stale":"ok","stable":false}`, all},
		{`startkey="b"&skip=1`, "-", rowsOf("4", "3", "c")},
		{`startkey="b"&startkey_docid=c`, "-", rowsOf("4", "2", "b", "c")},

		// What is no string lies below every id.
		{`startkey=5`, "-", all},
		{`startkey=["z"]`, "-", all},
		{`startkey={}&endkey="a"`, "-", rowsOf("4", "0", "_design/x", "a")},
		{`endkey=null`, "-", rowsOf("4", "0")},
		{`key=5`, "-", rowsOf("4", "0")},
		{`descending=true&startkey=5`, "-", rowsOf("4", "4")},
		{`descending=true&endkey=5&limit=1`, "-", rowsOf("4", "0", "c")},

		{`keys=["b","none","gone","b"]`, "-", rowsOf("4", "null", "b", `!"none"`, "-gone", "b")},
		{``, `{"keys":["b","none","gone","b"]}`, rowsOf("4", "null", "b", `!"none"`, "-gone", "b")},
		{`limit=1&skip=1`, `{"keys":["b","a","none"]}`, rowsOf("4", "null", "a")},
		{`descending=true`, `{"keys":["b","a","none"]}`, rowsOf("4", "null", `!"none"`, "a", "b")},
		{``, `{"keys":[5,null,"a",{"b":1.50},"_local/x"]}`, rowsOf("4", "null", "!5", "!null", "a", `!{"b":1.5}`, `!"_local/x"`)},
		{``, `{"keys":[]}`, rowsOf("4", "null")},
		{`skip=5`, `{"keys":["a"]}`, rowsOf("4", "null")},
		{`startkey="a"`, `{"keys":[]}`, rowsOf("4", "null")},
		{`limit=1`, `{"startkey":"b"}`, rowsOf("4", "2", "b")},
		{`limit=1`, `{"limit":2,"descending":true}`, rowsOf("4", "0", "c")},
		{``, `{"key":"a","descending":"true"}`, rowsOf("4", "2", "a")},
		{`update_seq=true&limit=0`, "-", strings.Replace(rowsOf("4", "0"), `,"rows"`, `,"update_seq":"`+seq+`","rows"`, 1)},
		{`update_seq=true`, `{"keys":["a"]}`, strings.Replace(rowsOf("4", "null", "a"), `,"rows"`, `,"update_seq":null,"rows"`, 1)},
	}
	for _, tt := range tests {
		method := "POST"
		if tt.body == "-" {
			method = "GET"
		}
		b.play([]exchange{{method, "/alpha/_all_docs?" + escapeQuery(tt.query), tt.body, 200, tt.want}})
	}
	if rec := b.do("HEAD", "/alpha/_all_docs", "-"); rec.Code != 200 || rec.Body.Len() > 0 {
		t.Errorf("HEAD: %d %q", rec.Code, rec.Body)
	}
}

// escapeQuery escapes the values of a query.
func escapeQuery(q string) string {
	pairs := strings.Split(q, "&")
	for i, pair := range pairs {
		name, value, ok := strings.Cut(pair, "=")
		if ok {
			pairs[i] = name + "=" + url.QueryEscape(value)
		}
	}
	return strings.Join(pairs, "&")
}

func TestListsRefuse(t *testing.T) {
	b := newBench(t)
	b.create("alpha", "a")
	tests := []struct{ query, body, name, reason string }{
		{`limit=x`, "-", "query_parse_error", "integer"},
		{`limit=`, "-", "query_parse_error", "integer"},
		{`limit=-1`, "-", "query_parse_error", "positive integer"},
		{`skip=-1`, "-", "query_parse_error", "positive integer"},
		{`skip=1.5`, "-", "query_parse_error", "integer"},
		{`descending=1`, "-", "query_parse_error", "boolean"},
		{`include_docs=yes`, "-", "query_parse_error", "boolean"},
		{`reduce=true`, "-", "query_parse_error", "Reduce is invalid for map-only views."},
		{``, `{"reduce":true}`, "query_parse_error", "Reduce is invalid for map-only views."},
		{`group=true`, "-", "query_parse_error", "Invalid use of grouping on a map view."},
		{`group_level=1`, "-", "query_parse_error", "Invalid use of grouping on a map view."},
		{`group=false&group_level=1`, "-", "query_parse_error", "Can't specify group=false and group_level>0"},
		{`stale=x`, "-", "query_parse_error", "Invalid value for `stale`."},
		{`stable=x`, "-", "query_parse_error", "Invalid value for `stable`."},
		{`update=x`, "-", "query_parse_error", "Invalid value for `update`."},
		{``, `{"update":5}`, "query_parse_error", "Invalid value for `update`."},
		{`partition=x`, "-", "query_parse_error", "`partition` parameter is not supported on this db"},
		{`partition=`, "-", "illegal_partition", "must not be empty"},
		{`partition=_x`, "-", "illegal_partition", "underscore"},
		{`limit=-99999999999999999999`, "-", "query_parse_error", "positive integer"},
		{`limit=99999999999999999999x`, "-", "query_parse_error", "integer"},
		{`reduce=x`, "-", "query_parse_error", "boolean"},
		{`key=a`, "-", "bad_request", "invalid UTF-8 JSON"},
		{`startkey="a" x`, "-", "bad_request", "invalid UTF-8 JSON"},
		{`startkey=`, "-", "bad_request", "invalid UTF-8 JSON"},
		{`keys=a`, "-", "bad_request", "invalid UTF-8 JSON"},
		{`keys="a"`, "-", "bad_request", "`keys` parameter must be an array."},
		{``, `{"keys":"a"}`, "bad_request", "`keys` body member must be an array."},
		{``, `{"keys":null}`, "bad_request", "`keys` body member must be an array."},
		{``, `{"limit":-1}`, "query_parse_error", "positive integer: -1"},
		{``, `{"limit":"5"}`, "query_parse_error", "integer"},
		{``, `{"descending":1}`, "query_parse_error", "boolean"},
		{`key="a"`, `{"keys":["b"]}`, "query_parse_error", "incompatible"},
		{``, `{"keys":["b"],"endkey":"a"}`, "query_parse_error", "incompatible"},
		{``, `["a"]`, "bad_request", "JSON object"},
		{``, ``, "bad_request", "invalid UTF-8 JSON"},
		{``, `{"keys":["a"]`, "bad_request", "invalid UTF-8 JSON"},
		{``, `{} {}`, "bad_request", "invalid UTF-8 JSON"},
	}
	for _, tt := range tests {
		method := "POST"
		if tt.body == "-" {
			method = "GET"
		}
		for _, list := range []string{"_all_docs", "_design_docs", "_local_docs"} {
			rec := b.do(method, "/alpha/"+list+"?"+escapeQuery(tt.query), tt.body)
			var got struct{ Error, Reason string }
			if err := json.Unmarshal(rec.Body.Bytes(), &got); err != nil || rec.Code != 400 || got.Error != tt.name || !strings.Contains(got.Reason, tt.reason) {
				t.Errorf("%s?%s %s: %d %s, want %s %s", list, tt.query, tt.body, rec.Code, rec.Body, tt.name, tt.reason)
			}
		}
	}
	b.play([]exchange{
		{"POST", "/alpha/_all_docs/queries", `{"queries":[{},{"reduce":true}]}`, 400, "…Reduce is invalid"},
		{"POST", "/alpha/_all_docs/queries", `{"queries":[{"partition":"p"}]}`, 400, "…not supported on this db"},
		{"POST", "/alpha/_all_docs", "-", 415, ""},
		{"PUT", "/alpha/_all_docs", "{}", 405, "…Only GET,HEAD,POST"},
		{"GET", "/alpha/_all_docs/queries", "-", 405, "…Only POST"},
		{"GET", "/beta/_all_docs", "-", 404, "…Database does not exist."},
	})
}

func TestDesignDocs(t *testing.T) {
	b := newBench(t)
	b.create("alpha", "A", "B", "C", "_design/x", "_design/y", "-_design/z", "a", "b", "c")
	b.play([]exchange{
		{"GET", "/alpha/_design_docs", "-", 200, rowsOf("2", "2", "_design/x", "_design/y")},
		{"GET", "/alpha/_design_docs?descending=true", "-", 200, rowsOf("2", "2", "_design/y", "_design/x")},
		{"GET", "/alpha/_design_docs?startkey=%22_design/y%22", "-", 200, rowsOf("2", "2", "_design/y")},
		{"GET", "/alpha/_design_docs?startkey=%22a%22", "-", 200, rowsOf("2", "2")},
		{"GET", "/alpha/_design_docs?endkey=%22A%22", "-", 200, rowsOf("2", "2")},
		{"GET", "/alpha/_design_docs?limit=1&skip=1", "-", 200, rowsOf("2", "2", "_design/y")},
		{"POST", "/alpha/_design_docs", `{"keys":["_design/x","a","_design/none"]}`, 200, rowsOf("2", "null", "_design/x", `!"_design/none"`)},
	})
	b.create("beta", "_design/x", "a")
	b.play([]exchange{
		{"GET", "/beta/_design_docs", "-", 200, rowsOf("1", "0", "_design/x")},
		{"GET", "/beta/_design_docs?descending=true", "-", 200, rowsOf("1", "1", "_design/x")},
	})
}

func TestLocalDocs(t *testing.T) {
	b := newBench(t)
	db := b.create("alpha", "a")
	for _, id := range []couch.DocID{"_local/x", "_local/y", "_local/z"} {
		if _, err := db.PutLocal(t.Context(), &couch.LocalDocument{ID: id, Body: couch.Body{Text: []byte(`{"v":1}`)}}); err != nil {
			t.Fatal(err)
		}
	}
	rows := func(ids ...string) string {
		return strings.ReplaceAll(rowsOf("null", "null", ids...), rev, "0-1")
	}
	b.play([]exchange{
		{"GET", "/alpha/_local_docs", "-", 200, rows("_local/x", "_local/y", "_local/z")},
		{"GET", "/alpha/_local_docs?descending=true&skip=1&limit=1", "-", 200, rows("_local/y")},
		{"GET", "/alpha/_local_docs?startkey=%22_local/y%22", "-", 200, rows("_local/y", "_local/z")},
		{"GET", "/alpha/_local_docs?key=%22_local/y%22", "-", 200, rows("_local/y")},
		{"GET", "/alpha/_local_docs?limit=0", "-", 200, rows()},
		{"GET", "/alpha/_local_docs?endkey=5", "-", 200, rows()},
		{"POST", "/alpha/_local_docs", `{"keys":["_local/z","_local/none","a",5]}`, 200, rows("_local/z", `!"_local/none"`)},
		{"GET", "/alpha/_local_docs?limit=1&include_docs=true", "-", 200, `…"value":{"rev":"0-1"},"doc":{"_id":"_local/x","_rev":"0-1","v":1}}`},
	})
}

func TestQueries(t *testing.T) {
	b := newBench(t)
	b.create("alpha", "_design/x", "a", "b")
	answer := func(lists ...string) string { return "{\"results\":[\r\n" + strings.Join(lists, ",\r\n") + "\r\n]}" }
	b.play([]exchange{
		{"POST", "/alpha/_all_docs/queries", `{"queries":[{"keys":["a","z"]},{"limit":1,"skip":1}]}`, 200,
			answer(rowsOf("3", "null", "a", `!"z"`), rowsOf("3", "1", "a"))},
		{"POST", "/alpha/_all_docs/queries?limit=1", `{"queries":[{},{"limit":2}]}`, 200,
			answer(rowsOf("3", "0", "_design/x"), rowsOf("3", "0", "_design/x", "a"))},
		{"POST", "/alpha/_all_docs/queries", `{"queries":[]}`, 200, answer()},
		{"POST", "/alpha/_design_docs/queries", `{"queries":[{},{"key":"_design/x"}]}`, 200,
			answer(rowsOf("1", "0", "_design/x"), rowsOf("1", "0", "_design/x"))},
		{"POST", "/alpha/_local_docs/queries", `{"queries":[{}]}`, 200, answer(rowsOf("null", "null"))},
		{"POST", "/alpha/_all_docs/queries", `{}`, 400, "…must include `queries`"},
		{"POST", "/alpha/_all_docs/queries", `{"queries":{}}`, 400, "…must be an array"},
		{"POST", "/alpha/_all_docs/queries", `{"queries":[{},5]}`, 400, ""},
		{"POST", "/alpha/_all_docs/queries", `{"queries":[{},{"keys":5}]}`, 400, "…array of strings"},
		{"POST", "/alpha/_all_docs/queries", `{"queries":[{"limit":-1}]}`, 400, `…"query_parse_error"`},
		{"POST", "/alpha/_all_docs/queries", `[]`, 400, "…JSON object"},
		{"POST", "/alpha/_all_docs/queries", `-`, 400, "…invalid UTF-8 JSON"},
	})
}

func TestIncludeDocs(t *testing.T) {
	b := newBench(t)
	db := b.create("alpha", "-gone")
	pending, err := db.WriteBlob(t.Context(), strings.NewReader("hello"), 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.PutRevs(t.Context(), storage.Docs(withAttachment(pending), conflicting("1-w"))); err != nil {
		t.Fatal(err)
	}
	const stub = `"doc":{"_id":"a","_rev":"1-x","n":1,"_attachments":{"f":{"content_type":"a/b","revpos":1,"digest":"md5-XUFAKrxLKna5cZ2REBfFkg==","length":5,"stub":true}}}}`
	const data = `"doc":{"_id":"a","_rev":"1-x","n":1,"_attachments":{"f":{"content_type":"a/b","revpos":1,"digest":"md5-XUFAKrxLKna5cZ2REBfFkg==","data":"aGVsbG8="}}}}`
	b.play([]exchange{
		{"GET", "/alpha/_all_docs?include_docs=true", "-", 200, "…" + stub + "\r\n]}"},
		{"GET", "/alpha/_all_docs?include_docs=true&attachments=true", "-", 200, "…" + data + "\r\n]}"},
		{"GET", "/alpha/_all_docs?include_docs=true&conflicts=true", "-", 200, `…"_conflicts":["1-w"]`},
		{"GET", "/alpha/_all_docs?conflicts=true", "-", 200, `…"value":{"rev":"1-x"}}` + "\r\n]}"},
		{"POST", "/alpha/_all_docs?include_docs=true", `{"keys":["gone","none","a"]}`, 200,
			`…"deleted":true},"doc":null},` + "\r\n" + `{"key":"none","error":"not_found"},` + "\r\n" + `{"id":"a","key":"a","value":{"rev":"1-x"},` + stub},
	})
}

func withAttachment(p *attachments.Pending) *couch.Document {
	d := conflicting("1-x")
	d.Attachments = []couch.Attachment{{Name: "f", ContentType: "a/b", RevPos: 1, Length: p.Length(), Digest: p.Digest(), Pending: p}}
	return d
}

func conflicting(rev string) *couch.Document {
	r, err := couch.ParseRev(rev)
	if err != nil {
		panic(err)
	}
	return &couch.Document{ID: "a", Revisions: couch.PathTo(r), Body: couch.Body{Text: []byte(`{"n":1}`)}}
}

// Random ranges agree with what sorting and cutting a list of ids gives.
func TestRangesModel(t *testing.T) {
	b := newBench(t)
	ids := []string{"A", "_design/d", "_design/e", "a", "ab", "b", "c", "ü"}
	b.create("alpha", ids...)
	bounds := append([]string{"", "_", "_design/", "_design0", "aa", "z", "\U0001F600"}, ids...)
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		descending, exclusive := rnd.IntN(2) == 0, rnd.IntN(3) == 0
		q, rows := url.Values{}, slices.Clone(ids)
		if descending {
			q.Set("descending", "true")
			slices.Reverse(rows)
		}
		beforeThan := func(a, b string) bool { return a != b && (a < b) != descending }
		offset := 0
		if rnd.IntN(3) > 0 {
			start := bounds[rnd.IntN(len(bounds))]
			q.Set("startkey", quote(start))
			rows = slices.DeleteFunc(rows, func(id string) bool { return beforeThan(id, start) })
			offset = len(ids) - len(rows)
		}
		if rnd.IntN(3) > 0 {
			end := bounds[rnd.IntN(len(bounds))]
			q.Set("endkey", quote(end))
			if exclusive {
				q.Set("inclusive_end", "false")
			}
			rows = slices.DeleteFunc(rows, func(id string) bool { return beforeThan(end, id) || exclusive && id == end })
		}
		skip := rnd.IntN(4)
		q.Set("skip", fmt.Sprint(skip))
		rows = rows[min(skip, len(rows)):]
		if limit := rnd.IntN(6); limit < 5 {
			q.Set("limit", fmt.Sprint(limit))
			rows = rows[:min(limit, len(rows))]
		}
		want := rowsOf("8", fmt.Sprint(min(offset+skip, 8)), rows...)
		b.play([]exchange{{"GET", "/alpha/_all_docs?" + q.Encode(), "-", 200, want}})
	}
}

func quote(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}
