package functions

import (
	"encoding/json"
	"net/url"
	"strings"
)

// rule is a rule of `rewrites`. Its meaning is that of couch_httpd_rewrite: segments of
// from that begin with ":" match any one, a last "*" all that follow, and to and query
// may name what was matched.
type rule struct {
	From   *string                    `json:"from"`
	To     string                     `json:"to"`
	Method string                     `json:"method"`
	Query  map[string]json.RawMessage `json:"query"`
}

// route finds the first rule that a path matches, and returns the path that it leads
// to; it adds the rule's parameters to query.
func route(rules []rule, method string, path []string, query url.Values) ([]string, bool) {
	for _, rule := range rules {
		if rule.Method != "" && rule.Method != "*" && rule.Method != method {
			continue
		}
		bound, rest, ok := rule.match(path, query)
		if !ok {
			continue
		}
		rule.addQuery(bound, query)
		return fill(segments(rule.To), bound, rest), true
	}
	return nil, false
}

// match compares a path with from. Parameters of the query can be named like segments.
func (r rule) match(path []string, query url.Values) (bound map[string]string, rest []string, ok bool) {
	bound = make(map[string]string)
	for name := range query {
		bound[name] = query.Get(name)
	}
	from := []string{"*"}
	if r.From != nil {
		from = segments(*r.From)
	}
	for i, segment := range from {
		switch {
		case segment == "*" && i == len(from)-1:
			return bound, path[min(i, len(path)):], true
		case i >= len(path):
			return nil, nil, false
		case strings.HasPrefix(segment, ":"):
			bound[segment[1:]] = path[i]
		case segment != path[i]:
			return nil, nil, false
		}
	}
	return bound, nil, len(from) == len(path)
}

// addQuery sets the rule's parameters, and those that the path has bound.
func (r rule) addQuery(bound map[string]string, query url.Values) {
	for name, value := range bound {
		query.Set(name, value)
	}
	for name, value := range r.Query {
		query.Set(name, fillValue(name, value, bound))
	}
}

// fillValue puts what was matched into a parameter. Those of views that are JSON
// become JSON.
func fillValue(name string, value json.RawMessage, bound map[string]string) string {
	text := textOf(value)
	matched, isBound := bound[strings.TrimPrefix(text, ":")]
	if !strings.HasPrefix(text, ":") || !isBound {
		return text
	}
	switch name {
	case "key", "startkey", "start_key", "endkey", "end_key":
		if !json.Valid([]byte(matched)) {
			quoted, _ := json.Marshal(matched) // a string always has a text
			return string(quoted)
		}
	}
	return matched
}

// fill puts what was matched into a path.
func fill(to []string, bound map[string]string, rest []string) []string {
	var out []string
	for _, segment := range to {
		switch value, ok := bound[strings.TrimPrefix(segment, ":")]; {
		case segment == "*":
			out = append(out, rest...)
		case strings.HasPrefix(segment, ":") && ok:
			out = append(out, value)
		default:
			out = append(out, segment)
		}
	}
	return out
}
