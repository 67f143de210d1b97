package functions

import (
	"encoding/json"
	"net/url"
	"testing"
)

// Check tells why rules, JSON, are refused; nil for those that are not.
func Check(t *testing.T, rules string) error {
	t.Helper()
	var parsed []rule
	if err := json.Unmarshal([]byte(rules), &parsed); err != nil {
		t.Fatal(err)
	}
	return check(parsed)
}

// Route finds where rules, JSON, lead a path.
func Route(t *testing.T, rules, method, path string, query url.Values) (to []string, ok bool) {
	t.Helper()
	var parsed []rule
	if err := json.Unmarshal([]byte(rules), &parsed); err != nil {
		t.Fatal(err)
	}
	to, ok, err := route(parsed, method, segments(path), query)
	if err != nil {
		t.Fatal(err)
	}
	return to, ok
}
