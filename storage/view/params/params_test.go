package params_test

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"settle/storage/couch"
	"settle/storage/view"
	"settle/storage/view/params"
)

func TestRefused(t *testing.T) {
	for _, test := range []struct{ name, value, reason string }{
		{"limit", "-1", `Invalid value for positive integer: "-1"`},
		{"limit", "abc", `Invalid value for integer: "abc"`},
		{"limit", "1.5", `Invalid value for integer: "1.5"`},
		{"limit", "", `Invalid value for integer: []`},
		{"skip", "-1", `Invalid value for positive integer: "-1"`},
		{"key", "abc", "invalid UTF-8 JSON"},
		{"startkey", "{a", "invalid UTF-8 JSON"},
		{"key", "", "invalid UTF-8 JSON"},
		{"descending", "maybe", `Invalid boolean parameter: "maybe"`},
		{"include_docs", "1", `Invalid boolean parameter: "1"`},
		{"group_level", "exact", `Invalid value for integer: "exact"`},
		{"update", "soon", "Invalid value for `update`."},
		{"stale", "maybe", "Invalid value for `stale`."},
		{"stale", "false", "Invalid value for `stale`."},
		{"stable", "perhaps", "Invalid value for `stable`."},
		{"keys", "{}", "`keys` member must be an array."},
	} {
		p := params.New()
		err := p.AddQuery(test.name, test.value)
		if e, ok := errors.AsType[*couch.Error](err); !ok || e.Reason != test.reason {
			t.Errorf("%s=%s: %v, want %s", test.name, test.value, err, test.reason)
		}
	}
	for member, reason := range map[string]string{
		`-1`: "Invalid value for positive integer: -1", `"x"`: `Invalid value for integer: <<"x">>`, `null`: "Invalid value for `limit`.",
	} {
		p := params.New()
		if e, ok := errors.AsType[*couch.Error](p.AddMember("limit", []byte(member))); !ok || e.Reason != reason {
			t.Errorf("limit %s: %v, want %s", member, e, reason)
		}
	}
}

func TestTaken(t *testing.T) {
	p := params.New()
	for _, pair := range [][2]string{
		{"key", "2"}, {"startkey", ` [1, "a"]`}, {"descending", "TRUE"}, {"inclusive_end", "false"}, {"endkey_docid", "d"}, {"group", "true"},
		{"group_level", "2"}, {"reduce", "false"}, {"stale", "ok"}, {"update", "lazy"}, {"limit", "5"}, {"unknown", "x"}, {"update_seq", "true"}, {"partition", "p"},
	} {
		if err := p.AddQuery(pair[0], pair[1]); err != nil {
			t.Fatalf("%v: %v", pair, err)
		}
	}
	if err := p.AddBody([]byte(`{"keys":[1,[2]],"skip":3,"limit":"7","endkey":null,"start_key_doc_id":"x"}`)); err != nil {
		t.Fatal(err)
	}
	no, x, d := false, couch.DocID("x"), couch.DocID("d")
	want := params.Params{UpdateSeq: true, Query: view.Query{
		Keys: [][]byte{[]byte("1"), []byte("[2]")}, Start: []byte(`[1, "a"]`), End: []byte("null"), StartDoc: &x, EndDoc: &d,
		ExclusiveEnd: true, Descending: true, Skip: 3, Limit: 7, Reduce: &no, GroupLevel: 2, Partition: "p", Update: view.UpdateLazy,
	}}
	if diff := cmp.Diff(want, p); diff != "" {
		t.Error(diff)
	}
}

func TestQueries(t *testing.T) {
	base := params.New()
	base.UpdateSeq = true
	list, err := params.Queries(base, []byte(`{"queries":[{"limit":1},{}]}`))
	if err != nil || len(list) != 2 || list[0].Query.Limit != 1 || list[1].Query.Limit != -1 || !list[1].UpdateSeq {
		t.Errorf("%+v, %v", list, err)
	}
	for body, reason := range map[string]string{
		`{}`: "POST body must include `queries` parameter.", `{"queries":{}}`: "`queries` member must be an array.", `{"queries":[5]}`: "Request body must be a JSON object",
	} {
		if _, err := params.Queries(base, []byte(body)); err == nil || err.Error() != reason {
			t.Errorf("%s: %v, want %s", body, err, reason)
		}
	}
}

func FuzzParams(f *testing.F) {
	for _, name := range []string{"key", "keys", "limit", "descending", "group_level", "stale", "startkey_docid"} {
		f.Add(name, `[1,"a"]`)
		f.Add(name, "true")
	}
	d := &view.Definition{Views: []view.ViewDefinition{{Reduces: []string{"_count"}}}}
	f.Fuzz(func(t *testing.T, name, value string) {
		p := params.New()
		if p.AddQuery(name, value) == nil {
			_ = p.Query.Validate(d, view.Ref{})
		}
		q := params.New()
		if !json.Valid([]byte(value)) {
			return
		}
		if q.AddMember(name, []byte(value)) == nil && q.Query.Validate(d, view.Ref{}) == nil && q.Query.Start != nil && !json.Valid(q.Query.Start) {
			t.Errorf("%s=%s: start is %s", name, value, q.Query.Start)
		}
	})
}
