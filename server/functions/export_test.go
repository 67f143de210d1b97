package functions

import (
	"net/url"
	"testing"
)

// ParseRules tells why rules, JSON, are refused; nil for those that are not.
func ParseRules(rules string) error {
	_, err := parseRules([]byte(`{"rewrites":` + rules + `}`))
	return err
}

// Route finds where rules, JSON, lead a path.
func Route(t *testing.T, rules, method, path string, query url.Values) (to []string, ok bool) {
	t.Helper()
	parsed, err := parseRules([]byte(`{"rewrites":` + rules + `}`))
	if err == nil {
		to, ok, err = route(parsed, method, segments(path), query)
	}
	if err != nil {
		t.Fatal(err)
	}
	return to, ok
}
