package server_test

import (
	"encoding/json"
	"regexp"
	"strings"
)

// fleeting is what changes without anybody's writing: sizes on disk, and the
// start of the process.
var fleeting = regexp.MustCompile(`"(sizes|instance_start_time)":(\{[^}]*\}|"[^"]*")`)

// contents returns everything that clients can see of the databases and the
// configuration: two of it are equal unless something was changed.
func (r *running) contents() string {
	r.t.Helper()
	var b strings.Builder
	var names []string
	if err := json.Unmarshal([]byte(r.ok("GET", "/_all_dbs", "")), &names); err != nil {
		r.t.Fatal(err)
	}
	for _, name := range names {
		path := "/" + strings.ReplaceAll(name, "/", "%2F")
		for _, part := range []string{
			"", "/_changes?style=all_docs&include_docs=true&attachments=true&conflicts=true", "/_all_docs?include_docs=true",
			"/_local_docs?include_docs=true", "/_security", "/_revs_limit", "/_purged_infos", "/_purged_infos_limit",
		} {
			b.WriteString(part + " " + fleeting.ReplaceAllString(r.get(path+part), "") + "\n")
		}
	}
	b.WriteString(r.ok("GET", "/_node/_local/_config", ""))
	return b.String()
}

// get returns an answer, of whatever status.
func (r *running) get(path string) string {
	r.t.Helper()
	_, body := limited{method: "GET", path: path}.send(r)
	return body
}
