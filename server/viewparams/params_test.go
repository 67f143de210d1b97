package viewparams_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"settle/server/viewparams"
	"settle/server/web"
	"settle/storage/couch"
	"settle/storage/docjson"
)

// fromQuery reads the parameters of a URL's query.
func fromQuery(t *testing.T, query string) (viewparams.Params, error) {
	t.Helper()
	var q web.Query
	for _, part := range strings.Split(query, "&") {
		name, value, _ := strings.Cut(part, "=")
		plain, err := url.QueryUnescape(value)
		if err != nil {
			t.Fatal(err)
		}
		q = append(q, web.QueryParam{Name: name, Value: plain})
	}
	return viewparams.FromQuery(q)
}

func TestFromQuery(t *testing.T) {
	yes, no := true, false
	key := func(text, id string) *viewparams.Key {
		return &viewparams.Key{Text: []byte(text), ID: id, IsString: id != ""}
	}
	for query, want := range map[string]viewparams.Params{
		`key=[1]`: {Limit: -1, Start: key("[1]", ""), End: key("[1]", "")},
		`startkey="a"&end_key=2&inclusive_end=false`:     {Limit: -1, Start: key(`"a"`, "a"), End: key("2", ""), ExclusiveEnd: true},
		`startkey_docid=x&end_key_doc_id=%22y%22`:        {Limit: -1, StartID: "x", EndID: "y"},
		`reduce=false&group=TRUE&group_level=2`:          {Limit: -1, Reduce: &no, Group: &yes, GroupLevel: 2},
		`limit=3&skip=99999999999999999999&sorted=false`: {Limit: 3, Skip: 1<<63 - 1, Unsorted: true},
		`update=lazy&stale=ok&unknown=1`:                 {Limit: -1, Update: "false"},
		`stale=update_after`:                             {Limit: -1, Update: "lazy"},
		`stale=ok&update=true`:                           {Limit: -1, Update: "true"},
		`keys=["a",1]`:                                   {Limit: -1, HasKeys: true, Keys: []viewparams.Key{*key(`"a"`, "a"), *key("1", "")}},
	} {
		got, err := fromQuery(t, query)
		if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(viewparams.Params{})); diff != "" || err != nil {
			t.Errorf("%s: %v %s", query, err, diff)
		}
	}
}

func TestFromQueryRefuses(t *testing.T) {
	for query, want := range map[string]couch.Kind{
		`limit=-1`: couch.QueryParse, `limit=x`: couch.QueryParse, `limit=1.5`: couch.QueryParse, `descending=maybe`: couch.QueryParse,
		`update=later`: couch.QueryParse, `stale=no`: couch.QueryParse, `key={a`: couch.BadRequest, `keys={}`: couch.BadRequest,
		`partition=_a`: couch.IllegalPartition,
	} {
		if _, err := fromQuery(t, query); !errors.Is(err, &couch.Error{Kind: want}) {
			t.Errorf("%s: %v", query, err)
		}
	}
}

// What is refused is shown as CouchDB shows it.
func TestRefusedCounts(t *testing.T) {
	for _, tt := range []struct{ query, body, want string }{
		{"limit=x", "{}", `Invalid value for integer: "x"`},
		{"limit=", "{}", `Invalid value for integer: []`},
		{"skip=-1", "{}", `Invalid value for positive integer: "-1"`},
		{"group=x", "{}", `Invalid boolean parameter: "x"`},
		{"", `{"group_level":"1"}`, `Invalid value for integer: <<"1">>`},
		{"", `{"limit":-1}`, `Invalid value for positive integer: -1`},
		{"", `{"limit":1.5}`, `Invalid value for integer: 1.5`},
		{"", `{"descending":"x"}`, `Invalid boolean parameter: "x"`},
	} {
		p, err := fromQuery(t, tt.query)
		if err == nil {
			err = p.ReadQuery(docjson.NewReader(strings.NewReader(tt.body)))
		}
		if refused, ok := errors.AsType[*couch.Error](err); !ok || refused.Reason != tt.want {
			t.Errorf("%s %s: %v, want %s", tt.query, tt.body, err, tt.want)
		}
	}
}

// What the query says counts for more than the body.
func TestBodyBesideQuery(t *testing.T) {
	yes, no := true, false
	key := viewparams.Key{Text: []byte("1")}
	for _, tt := range []struct {
		query, body string
		want        viewparams.Params
	}{
		{"limit=1", `{"limit":2,"skip":3}`, viewparams.Params{Limit: 1, Skip: 3}},
		{"reduce=false", `{"reduce":true,"group":true}`, viewparams.Params{Limit: -1, Reduce: &no, Group: &yes}},
		{"startkey=1", `{"key":2}`, viewparams.Params{Limit: -1, Start: &key, End: &viewparams.Key{Text: []byte("2")}}},
		{"keys=[1]", `{"keys":[2]}`, viewparams.Params{Limit: -1, HasKeys: true, Keys: []viewparams.Key{key}}},
		{"unknown=1", `{"update":"lazy","stale":"ok"}`, viewparams.Params{Limit: -1, Update: "false"}},
	} {
		p, err := fromQuery(t, tt.query)
		if err == nil {
			err = p.ReadQuery(docjson.NewReader(strings.NewReader(tt.body)))
		}
		if diff := cmp.Diff(tt.want, p, cmpopts.IgnoreUnexported(viewparams.Params{})); diff != "" || err != nil {
			t.Errorf("%s %s: %v %s", tt.query, tt.body, err, diff)
		}
	}
}

// A query among several takes what the URL says, but for keys and grouping.
func TestQueriesBesideQuery(t *testing.T) {
	no := false
	common, err := fromQuery(t, "limit=2&reduce=false&startkey=1&keys=[1]&group=true&group_level=1")
	if err != nil {
		t.Fatal(err)
	}
	all, err := viewparams.ReadQueries(docjson.NewReader(strings.NewReader(`{"queries":[{},{"limit":3,"group_level":4}]}`)), common)
	start := &viewparams.Key{Text: []byte("1")}
	want := []viewparams.Params{{Limit: 2, Reduce: &no, Start: start}, {Limit: 3, Reduce: &no, Start: start, GroupLevel: 4}}
	if diff := cmp.Diff(want, all, cmpopts.IgnoreUnexported(viewparams.Params{})); diff != "" || err != nil {
		t.Errorf("%v %s", err, diff)
	}
}

func FuzzReadQueries(f *testing.F) {
	f.Add(`{"queries":[{"keys":[1,"a"],"reduce":false},{"startkey":{},"limit":3}]}`)
	f.Fuzz(func(t *testing.T, body string) {
		all, err := viewparams.ReadQueries(docjson.NewReader(strings.NewReader(body)), viewparams.Params{Limit: -1})
		if err != nil && all != nil {
			t.Errorf("%q: %v beside %d queries", body, err, len(all))
		}
	})
}
