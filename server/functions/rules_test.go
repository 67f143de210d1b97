package functions_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"settle/server/functions"
	"settle/server/web"
)

func TestRules(t *testing.T) {
	const rules = `[
		{"from": "", "to": "../../doc"},
		{"from": "/view", "to": "_view/v", "query": {"limit": "1"}},
		{"from": "/d/:id", "to": "../../:id"},
		{"from": "/key/:k", "to": "_view/v", "query": {"key": ":k", "reduce": false}},
		{"from": "/put", "to": "_update/u", "method": "PUT"},
		{"from": "/q", "to": "_show/s", "query": {"x": ":z"}},
		{"from": "/rest/*", "to": "../../*"},
		{"from": "/array/:a/:b", "to": "_view/v", "query": {"startkey": [":a", [":b"]], "endkey": [":a", {"x": ":b"}], "keys": [":a", 1]}},
		{"from": "/int/:k", "to": "_view/v", "query": {"key": ":k"}, "formats": {"k": "int"}},
		{"from": "/bool/:k", "to": "_view/v", "query": {"key": [":k"]}, "formats": {"k": "bool"}},
		{"from": "/literal", "to": "_view/v", "query": {"key": "x", "limit": 1}},
		{"from": "/unbound", "to": "_show/s/:x/:y"},
		{"from": "/after/*", "to": "x/*/y"},
		"no rule", 5, null,
		{"from": "/object/:a", "to": "_view/v", "query": {"key": {"x":":a"}}},
		{"from": "/middle/*/end", "to": "_show/s", "query": {"a": "*", "keys": ["*"]}},
		{"from": "/last/*", "to": "_show/s", "query": {"a": "*"}},
		{"from": "/twice/:a/:a", "to": ":a"},
		{"from": "/number", "to": "_show/s", "method": 5},
		{"from": "/null", "to": "_show/s", "method": null},
		{"from": "/any", "to": "_show/any", "method": "*", "formats": {"a": 5}},
		{"to": "all/*", "method": "POST"}
	]`
	for _, tt := range []struct{ method, path, query, want, wantQuery string }{
		{"GET", "", "", "../../doc", ""},
		{"GET", "/view", "a=b", "_view/v", "a=b&limit=1"},
		{"GET", "/d/x", "", "../../x", "id=x"},
		{"GET", "/key/x", "", "_view/v", "k=x&key=%22x%22&reduce=false"},
		{"GET", "/key/5", "", "_view/v", "k=5&key=%225%22&reduce=false"},
		{"GET", "/array/x/y", "", "_view/v", "a=x&b=y&endkey=%5B%22x%22%2C%7B%22x%22%3A%22%3Ab%22%7D%5D&keys=%5B%22x%22%2C1%5D&startkey=%5B%22x%22%2C%5B%22%3Ab%22%5D%5D"},
		{"GET", "/object/x", "", "_view/v", "a=x&key=%7B%22x%22%3A%22%3Aa%22%7D"},
		{"GET", "/middle/x/end", "", "_show/s", "a=x&keys=%5B%22%2A%22%5D"},
		{"GET", "/middle/x/y/end", "", "none", ""},
		{"GET", "/last/x", "", "_show/s", "a=%2A"},
		{"GET", "/twice/x/y", "", "y", "a=y"},
		{"GET", "/number", "", "none", ""},
		{"GET", "/null", "", "none", ""},
		{"GET", "/any", "", "_show/any", ""},
		{"GET", "/int/5", "", "_view/v", "k=5&key=5"},
		{"GET", "/int/x", "", "_view/v", "k=x&key=%22x%22"},
		{"GET", "/bool/True", "", "_view/v", "k=True&key=%5Btrue%5D"},
		{"GET", "/literal", "", "_view/v", "key=%22x%22&limit=1"},
		{"GET", "/unbound", "y=1", "_show/s/undefined/1", "y=1"},
		{"GET", "/after/a/b", "", "x/a/b", ""},
		{"GET", "/view", "startkey=%22a%22", "_view/v", "limit=1&startkey=%22a%22"},
		{"PUT", "/put", "", "_update/u", ""},
		{"GET", "/put", "", "none", ""},
		{"GET", "/q", "z=1", "_show/s", "x=1&z=1"},
		{"GET", "/rest/a/b", "", "../../a/b", ""},
		{"GET", "/rest", "", "../..", ""},
		{"POST", "/other/x", "", "all/other/x", ""},
		{"GET", "/d", "", "none", ""},
		{"GET", "/d/x/y", "", "none", ""},
	} {
		query, err := url.ParseQuery(tt.query)
		if err != nil {
			t.Fatal(err)
		}
		to, ok := functions.Route(t, rules, tt.method, tt.path, query)
		got := strings.Join(to, "/")
		if !ok {
			got = "none"
		}
		if got != tt.want || query.Encode() != tt.wantQuery {
			t.Errorf("%s %s: to %s?%s, want %s?%s", tt.method, tt.path, got, query.Encode(), tt.want, tt.wantQuery)
		}
	}
}

// One bad rule makes all of them useless, as in CouchDB.
func TestRefusedRules(t *testing.T) {
	for rules, want := range map[string]string{
		`[{"from": "a", "to": "../../b"}, {"to": "../../*"}]`:           "",
		`[{"from": "a", "to": "b"}, {"from": "c"}]`:                     "error",
		`[{"from": "a", "to": "b"}, {"from": "c", "to": "../../../d"}]`: "insecure_rewrite_rule",
		`[{"from": "a", "to": "../x/../y/../z"}]`:                       "insecure_rewrite_rule",
		`[{"from": "a/../../../b", "to": "c"}]`:                         "insecure_rewrite_rule",
		`[{"from": 5, "to": "c"}]`:                                      "rewrite_error",
		`[{"to": "c", "query": "x"}]`:                                   "rewrite_error",
		`{}`:                                                            "rewrite_error",
		`["no rule", 5]`:                                                "",
	} {
		name := ""
		if refused, ok := errors.AsType[*web.Error](functions.ParseRules(rules)); ok {
			name = refused.Name
		}
		if name != want {
			t.Errorf("%s: %q, want %q", rules, name, want)
		}
	}
}
