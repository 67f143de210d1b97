package server_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
)

// fleeting is what changes without anybody's writing: sizes on disk, and what
// goes on in the background.
var fleeting = regexp.MustCompile(`"(sizes|compact_running)":(\{[^}]*\}|true|false)`)

// contents returns everything that clients can see of the databases and the
// configuration: two of it are equal unless something was changed.
func (r *running) contents() string {
	r.t.Helper()
	var names []string
	if err := json.Unmarshal([]byte(r.get("/_all_dbs")), &names); err != nil {
		r.t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString(r.get("/_node/_local/_config"))
	for _, name := range names {
		for _, part := range []string{
			"", "/_changes?style=all_docs&include_docs=true&attachments=true&conflicts=true", "/_all_docs?include_docs=true&conflicts=true",
			"/_local_docs?include_docs=true", "/_security", "/_revs_limit", "/_purged_infos", "/_purged_infos_limit",
		} {
			path := "/" + strings.ReplaceAll(name, "/", "%2F") + part
			b.WriteString(path + " " + fleeting.ReplaceAllString(r.get(path), "") + "\n")
		}
	}
	return b.String()
}

// get returns an answer, of whatever status, without a connection in between.
func (r *running) get(path string) string {
	r.t.Helper()
	req, err := http.NewRequest("GET", path, http.NoBody)
	if err != nil {
		r.t.Fatal(err)
	}
	req.SetBasicAuth("admin", "pass")
	answer := httptest.NewRecorder()
	r.Handler().ServeHTTP(answer, req)
	if answer.Code >= 500 {
		r.t.Errorf("GET %s: %d %s", path, answer.Code, answer.Body)
	}
	return answer.Body.String()
}
