package functions

import (
	"encoding/json"
	"net/url"
	"testing"
)

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
