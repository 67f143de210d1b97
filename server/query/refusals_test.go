package query_test

import (
	"strings"
	"testing"

	"settle/storage"
	"settle/storage/storagetest"
)

// A design document that is missing counts for more than a method that is wrong, and
// below a partition there is what is below the database.
func TestOrderOfRefusals(t *testing.T) {
	store := storagetest.Open(t)
	storagetest.Write(t, storagetest.Database(t, store, "plain", storage.CreateOptions{}), views)
	storagetest.Write(t, storagetest.Database(t, store, "parted", storage.CreateOptions{Partitioned: true}), views)
	h := newHandler(t, store)
	const (
		missing    = `{"error":"not_found","reason":"missing"}`
		onlyView   = `{"error":"method_not_allowed","reason":"Only GET,POST,HEAD allowed"}`
		onlyPost   = `{"error":"method_not_allowed","reason":"Only POST allowed"}`
		onlyGet    = `{"error":"method_not_allowed","reason":"Only GET allowed"}`
		notParted  = `{"error":"bad_request","reason":"database is not partitioned"}`
		badName    = `{"error":"illegal_partition","reason":"Partition must not start with an underscore"}`
		twoOfThem  = "{\"error\":\"bad_request\",\"reason\":\"Conflicting value for `partition` in query string\"}"
		tooLarge   = `{"error":"query_parse_error","reason":"Limit is too large, must not exceed 268435456"}`
		noKeys     = "{\"error\":\"query_parse_error\",\"reason\":\"`keys` must be an array of strings.\"}"
		isAnswered = `{"name":"v","view_index":{`
		hasRows    = `{"total_rows":`
	)
	for _, tt := range []struct {
		method, path string
		status       int
		want         string
	}{
		{"PUT", "/plain/_design/v/_view/n", 405, onlyView},
		{"PUT", "/plain/_design/none/_view/n", 404, missing},
		{"DELETE", "/plain/_design/none/_view/n", 404, missing},
		{"GET", "/plain/_design/v/_view/n/queries", 405, onlyPost},
		{"GET", "/plain/_design/none/_view/n/queries", 404, missing},
		{"GET", "/plain/_design/v/_view/n/more", 405, onlyView},
		{"GET", "/plain/_design/none/_view/n/more", 404, missing},
		{"GET", "/plain/_design/none/_view", 404, missing},
		{"PUT", "/plain/_design/v/_info", 405, onlyGet},
		{"POST", "/plain/_design/none/_info", 404, missing},
		{"GET", "/plain/_partition/p/_design/v/_info", 400, notParted},
		{"PUT", "/plain/_partition/p/_design/v/_info", 400, notParted},
		{"GET", "/parted/_partition/p/_design/v/_info", 200, isAnswered},
		{"GET", "/parted/_partition/p/_design/none/_info", 404, missing},
		{"PUT", "/parted/_partition/p/_design/v/_info", 405, onlyGet},
		{"GET", "/parted/_partition/_p/_design/v/_info", 400, badName},
		{"GET", "/parted/_partition/p/_design/v/_info?partition=q", 400, twoOfThem},
		{"GET", "/parted/_partition/p/_design/v/_view/n?partition=q", 400, twoOfThem},
		{"PUT", "/parted/_partition/p/_design/v/_view/n", 405, onlyView},
		{"GET", "/plain/_design/v/_view/n?limit=268435456", 200, hasRows},
		{"GET", "/plain/_design/v/_view/n?limit=268435457", 400, tooLarge},
		{"GET", "/plain/_design/v/_view/n?keys=5", 400, noKeys},
	} {
		res := send(t, h, tt.method, tt.path, "")
		if got := res.Body.String(); res.Code != tt.status || !strings.HasPrefix(got, tt.want) {
			t.Errorf("%s %s: %d %s, want %d %s", tt.method, tt.path, res.Code, got, tt.status, tt.want)
		}
		if allow := res.Header().Get("Allow"); (res.Code == 405) != (allow != "") {
			t.Errorf("%s %s: Allow: %s", tt.method, tt.path, allow)
		}
	}
}

// A body cannot name another partition than the path.
func TestPartitionOfBody(t *testing.T) {
	store := storagetest.Open(t)
	db := storagetest.Database(t, store, "parted", storage.CreateOptions{Partitioned: true})
	storagetest.Write(t, db, views, `{"_id":"p:a","n":1}`, `{"_id":"q:b","n":2}`)
	h := newHandler(t, store)
	const twoOfThem = "{\"error\":\"bad_request\",\"reason\":\"Conflicting value for `partition` in query string\"}"
	for _, tt := range []struct {
		below, body string
		status      int
		want        string
	}{
		{"", `{}`, 200, `"id":"p:a"`},
		{"", `{"partition":"p"}`, 200, `"id":"p:a"`},
		{"", `{"partition":"q"}`, 400, twoOfThem},
		{"", `{"partition":"p","partition":"q"}`, 400, twoOfThem},
		{"/queries", `{"queries":[{"partition":"p"}]}`, 200, `"id":"p:a"`},
		{"/queries", `{"queries":[{},{"partition":"q"}]}`, 400, twoOfThem},
	} {
		res := send(t, h, "POST", "/parted/_partition/p/_design/v/_view/n"+tt.below, tt.body)
		if got := res.Body.String(); res.Code != tt.status || !strings.Contains(got, tt.want) {
			t.Errorf("%s %s: %d %s, want %d %s", tt.below, tt.body, res.Code, got, tt.status, tt.want)
		}
	}
}
