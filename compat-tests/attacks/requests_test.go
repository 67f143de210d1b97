package attacks_test

import "strings"

// ask is a request on something that is protected.
type ask struct{ method, path, body string }

// as returns the attempt to make the request as somebody.
func (a ask) as(p person, headers ...string) attempt {
	headers = append(append([]string{"Content-Type: application/json"}, p.headers()...), headers...)
	return attempt{p.String() + ": " + a.method + " " + a.path, request(a.method, a.path, a.body, headers...)}
}

// at returns the request at another path.
func (a ask) at(path string) ask {
	a.path = path
	return a
}

// ofVault are requests on a database that strangers may not even read, but for
// PUT of the database itself, which only says that it is there.
var ofVault = []ask{
	{"GET", "/vault", ""},
	{"HEAD", "/vault", ""},
	{"POST", "/vault", `{"_id":"stolen"}`},
	{"DELETE", "/vault", ""},
	{"GET", "/vault/_all_docs?include_docs=true", ""},
	{"POST", "/vault/_all_docs", `{"keys":["gold"],"include_docs":true}`},
	{"POST", "/vault/_all_docs/queries", `{"queries":[{"include_docs":true}]}`},
	{"GET", "/vault/_design_docs", ""},
	{"POST", "/vault/_design_docs", `{"keys":["_design/d"]}`},
	{"GET", "/vault/_local_docs?include_docs=true", ""},
	{"POST", "/vault/_local_docs", `{"keys":["_local/note"]}`},
	{"GET", "/vault/_changes?include_docs=true", ""},
	{"GET", "/vault/_changes?include_docs=true&feed=continuous&timeout=1", ""},
	{"POST", "/vault/_changes?filter=_doc_ids&include_docs=true", `{"doc_ids":["gold"]}`},
	{"POST", "/vault/_bulk_docs", `{"docs":[{"_id":"stolen"}]}`},
	{"POST", "/vault/_bulk_docs", `{"new_edits":false,"docs":[{"_id":"gold","_rev":"9-a","_revisions":{"start":9,"ids":["a"]}}]}`},
	{"POST", "/vault/_bulk_get?attachments=true", `{"docs":[{"id":"gold"}]}`},
	{"POST", "/vault/_revs_diff", `{"gold":["1-a"]}`},
	{"POST", "/vault/_missing_revs", `{"gold":["1-a"]}`},
	{"GET", "/vault/_security", ""},
	{"PUT", "/vault/_security", `{}`},
	{"GET", "/vault/_revs_limit", ""},
	{"PUT", "/vault/_revs_limit", `1`},
	{"POST", "/vault/_purge", `{"gold":["1-a"]}`},
	{"GET", "/vault/_purged_infos", ""},
	{"GET", "/vault/_purged_infos_limit", ""},
	{"PUT", "/vault/_purged_infos_limit", `1`},
	{"POST", "/vault/_compact", ``},
	{"POST", "/vault/_compact/d", ``},
	{"POST", "/vault/_view_cleanup", ``},
	{"POST", "/vault/_ensure_full_commit", ``},
	{"GET", "/vault/_shards", ""},
	{"GET", "/vault/_shards/gold", ""},
	{"POST", "/vault/_sync_shards", ``},
	{"GET", "/vault/_partition/p", ""},
	{"GET", "/vault/_partition/p/_all_docs", ""},
	{"POST", "/vault/_find", `{"selector":{}}`},
	{"POST", "/vault/_explain", `{"selector":{}}`},
	{"GET", "/vault/_index", ""},
	{"POST", "/vault/_index", `{"index":{"fields":["a"]}}`},
	{"DELETE", "/vault/_index/d/json/x", ""},
	{"GET", "/vault/_design/d", ""},
	{"PUT", "/vault/_design/d", `{}`},
	{"PUT", "/vault/_design/stolen", `{}`},
	{"DELETE", "/vault/_design/d?rev=1-a", ""},
	{"GET", "/vault/_design/d/_info", ""},
	{"GET", "/vault/_design/d/_view/v", ""},
	{"POST", "/vault/_design/d/_view/v", `{"keys":["gold"],"include_docs":true}`},
	{"PUT", "/vault/_design/d/_update/u/gold", `{}`},
	{"GET", "/vault/gold", ""},
	{"GET", "/vault/gold?attachments=true&open_revs=all&revs=true", ""},
	{"PUT", "/vault/gold", `{}`},
	{"PUT", "/vault/stolen", `{}`},
	{"PUT", "/vault/stolen?new_edits=false", `{"_rev":"1-a"}`},
	{"DELETE", "/vault/gold?rev=1-a", ""},
	{"COPY", "/vault/gold", ""},
	{"GET", "/vault/gold/map.txt", ""},
	{"PUT", "/vault/gold/other.txt", `x`},
	{"PUT", "/vault/stolen/other.txt", `x`},
	{"DELETE", "/vault/gold/map.txt?rev=1-a", ""},
	{"GET", "/vault/_local/note", ""},
	{"PUT", "/vault/_local/stolen", `{}`},
	{"DELETE", "/vault/_local/note?rev=0-1", ""},
	{"GET", "/_metadata/vault", ""},
	{"GET", "/_metadata/vault/gold", ""},
	{"GET", "/_metadata/vault/_all_docs?include_docs=true", ""},
	{"GET", "/_metadata/vault/_changes?include_docs=true", ""},
	{"POST", "/_metadata/vault/_bulk_docs", `{"docs":[{"_id":"stolen"}]}`},
	{"POST", "/_replicate", `{"source":"vault","target":"lobby"}`},
	{"POST", "/_replicate", `{"source":"lobby","target":"vault"}`},
}

// ofServer are requests that only server administrators may make.
var ofServer = []ask{
	{"GET", "/_all_dbs", ""},
	{"POST", "/_dbs_info", `{"keys":["vault"]}`},
	{"GET", "/_dbs_info", ""},
	{"PUT", "/stolen", ""},
	{"PUT", "/_global_changes", ""},
	{"DELETE", "/_users", ""},
	{"DELETE", "/_replicator", ""},
	{"GET", "/_active_tasks", ""},
	{"GET", "/_membership", ""},
	{"GET", "/_cluster_setup", ""},
	{"POST", "/_cluster_setup", `{"action":"enable_single_node","username":"eve","password":"x"}`},
	{"GET", "/_node/_local/_config", ""},
	{"GET", "/_node/_local/_config/admins", ""},
	{"GET", "/_node/_local/_config/chttpd_auth/secret", ""},
	{"PUT", "/_node/_local/_config/admins/eve", `"x"`},
	{"PUT", "/_node/nonode@nohost/_config/admins/eve", `"x"`},
	{"PUT", "/_node/settle@127.0.0.1/_config/admins/eve", `"x"`},
	{"PUT", "/_node/_local/_config/chttpd_auth/secret", `"known"`},
	{"DELETE", "/_node/_local/_config/chttpd_auth/iterations", ""},
	{"POST", "/_node/_local/_config/_reload", ""},
	{"GET", "/_node/_local/_stats", ""},
	{"GET", "/_node/_local/_system", ""},
	{"POST", "/_node/_local/_restart", ""},
	{"GET", "/_reshard/jobs", ""},
	{"GET", "/_db_updates", ""},
	{"GET", "/_scheduler/jobs", ""},
	{"GET", "/_scheduler/docs", ""},
	{"POST", "/_search_analyze", `{}`},
	{"GET", "/_replicator/_all_docs?include_docs=true", ""},
	{"GET", "/_replicator/_changes?include_docs=true", ""},
	{"GET", "/_replicator/_design/hidden", ""},
	{"PUT", "/_replicator/stolen", `{"source":"vault","target":"lobby"}`},
	{"POST", "/_replicator/_bulk_docs", `{"docs":[{"_id":"stolen"}]}`},
	{"PUT", "/_replicator/_security", `{}`},
	{"GET", "/_users/_all_docs?include_docs=true", ""},
	{"GET", "/_users/_changes?include_docs=true", ""},
	{"GET", "/_users/_local_docs", ""},
	{"GET", "/_users/_design_docs?include_docs=true", ""},
	{"GET", "/_users/_design/_auth", ""},
	{"PUT", "/_users/_design/stolen", `{}`},
	{"PUT", "/_users/_security", `{}`},
	{"PUT", "/_users/_revs_limit", `1`},
	{"POST", "/_users/_compact", ``},
	{"POST", "/_users/_purge", `{"org.couchdb.user:bob":["1-a"]}`},
	{"POST", "/_users/_find", `{"selector":{}}`},
	{"GET", "/_users/_index", ""},
	{"POST", "/_users/_index", `{"index":{"fields":["name"]}}`},
	{"GET", "/_users/org.couchdb.user:bob", ""},
	{"GET", "/_users/org.couchdb.user:bob?open_revs=all&attachments=true", ""},
	{"PUT", "/_users/org.couchdb.user:bob", `{"name":"bob","password":"x","roles":[],"type":"user"}`},
	{"DELETE", "/_users/org.couchdb.user:bob?rev=1-a", ""},
	{"COPY", "/_users/org.couchdb.user:bob", ""},
	{"PUT", "/_users/org.couchdb.user:bob/a.txt", `x`},
	{"GET", "/_metadata/_users/org.couchdb.user:bob", ""},
	{"GET", "/_metadata/_users/_all_docs?include_docs=true", ""},
	{"GET", "/_metadata/_replicator/_all_docs?include_docs=true", ""},
}

// ofWriters are requests that somebody who may only read must not make.
var ofWriters = []ask{
	{"POST", "/lobby", `{"_id":"x"}`},
	{"DELETE", "/lobby", ""},
	{"PUT", "/lobby/x", `{}`},
	{"PUT", "/lobby/x?new_edits=false", `{"_rev":"1-a"}`},
	{"DELETE", "/lobby/_design/d?rev=1-a", ""},
	{"PUT", "/lobby/_design/e", `{}`},
	{"COPY", "/lobby/_design/d", ""},
	{"PUT", "/lobby/x/a.txt", `x`},
	{"POST", "/lobby/_bulk_docs", `{"docs":[{"_id":"x"}]}`},
	{"POST", "/lobby/_bulk_docs", `{"new_edits":false,"docs":[{"_id":"x","_rev":"1-a","_revisions":{"start":1,"ids":["a"]}}]}`},
	{"PUT", "/lobby/_security", `{}`},
	{"PUT", "/lobby/_revs_limit", `1`},
	{"PUT", "/lobby/_purged_infos_limit", `1`},
	{"POST", "/lobby/_purge", `{"_design/d":["1-a"]}`},
	{"POST", "/lobby/_compact", ``},
	{"POST", "/lobby/_view_cleanup", ``},
	{"POST", "/lobby/_index", `{"index":{"fields":["a"]}}`},
	{"PUT", "/_metadata/lobby/x", `{}`},
	{"POST", "/_metadata/lobby/_bulk_docs", `{"docs":[{"_id":"x"}]}`},
}

// protected are all requests that eve and anonymous must not make.
func protected() []ask {
	return append(append(append([]ask{}, ofVault...), ofServer...), ofWriters...)
}

// header returns the headers that some requests need, so that they do not fail for
// want of them.
func (a ask) header() []string {
	if strings.HasPrefix(a.method, "COPY") {
		return []string{"Destination: stolen"}
	}
	return nil
}
