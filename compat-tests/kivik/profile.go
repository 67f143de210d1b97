package kivik

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/go-kivik/kivik/v4"
	"github.com/go-kivik/kivik/v4/kiviktest/kt"
)

// Names of databases that no server has: a valid one, and one that only the
// server itself could have.
const (
	absent     = "chicken"
	underscore = "_duck"
)

// refusals lists, by status, the subtests whose requests the server must refuse.
// A status holds for all subtests below, too, where these have none themselves.
// New databases are for administrators only, so that anonymous requests get 401.
var refusals = map[int][]string{
	http.StatusBadRequest: {
		"CreateIndex/RW/Admin/BlankIndex", "CreateIndex/RW/Admin/EmptyIndex", "CreateIndex/RW/Admin/InvalidIndex",
		"CreateIndex/RW/Admin/InvalidJSON", "CreateIndex/RW/Admin/NilIndex",
		"CreateIndex/RW/NoAuth/BlankIndex", "CreateIndex/RW/NoAuth/InvalidJSON", // the client itself refuses to send these
		"Delete/RW/Admin/InvalidRevFormat",
		"Put/RW/Admin/LeadingUnderscoreInID",
		"Query/RW/Admin/WithoutDocs/ScanDoc", // the client: the rows hold no documents
	},
	http.StatusUnauthorized: {
		"AllDBs/NoAuth", "AllDBs/RW/NoAuth", "AllDBsStats/NoAuth", "DBsStats/NoAuth",
		"AllDocs/RW/NoAuth", "BulkDocs/RW/NoAuth",
		"Changes/Continuous/RW/NoAuth", "Changes/Normal/RW/NoAuth",
		"Compact/RW/NoAuth", "Copy/RW/NoAuth", "CreateDB/RW/NoAuth", "CreateDoc/RW/NoAuth", "CreateIndex/RW/NoAuth",
		"DBExists/NoAuth/_users", "DBExists/RW/NoAuth", "DBUpdates/RW/NoAuth",
		"Delete/RW/NoAuth", "DeleteAttachment/RW/NoAuth", "DeleteIndex/RW/NoAuth", "DestroyDB/RW/NoAuth",
		"Explain/RW/NoAuth", "Find/RW/NoAuth", "Flush/NoAuth/_users/DoFlush",
		"Get/RW/NoAuth/_design/foo", "Get/RW/NoAuth/_local/foo", "Get/RW/NoAuth/bob", "Get/RW/NoAuth/bogus",
		"GetAttachment/RW/NoAuth", "GetAttachmentMeta/RW/NoAuth",
		"GetIndexes/NoAuth/_replicator", "GetIndexes/NoAuth/_users", "GetIndexes/RW/NoAuth", "GetReplications/NoAuth",
		"GetRev/RW/NoAuth/_design/foo", "GetRev/RW/NoAuth/_local/foo", "GetRev/RW/NoAuth/bob", "GetRev/RW/NoAuth/bogus",
		"Put/RW/NoAuth/Conflict", "Put/RW/NoAuth/Create", "Put/RW/NoAuth/DesignDoc", "Put/RW/NoAuth/HeavilyEscapedID",
		"Put/RW/NoAuth/LeadingUnderscoreInID", "Put/RW/NoAuth/Local", "Put/RW/NoAuth/SlashInID",
		"PutAttachment/RW/NoAuth", "Query/RW/NoAuth", "Replicate/RW/NoAuth",
		"Security/NoAuth/_replicator", "Security/NoAuth/_users", "Security/RW/NoAuth", "SetSecurity/RW/NoAuth/Exists",
		"Stats/NoAuth/_users", "Stats/RW/NoAuth", "ViewCleanup/RW/NoAuth",
	},
	http.StatusNotFound: {
		"DBUpdates/RW/Admin", // there is no _global_changes database that could tell
		"Delete/RW/Admin/MissingDoc", "DeleteAttachment/RW/Admin/NotFound",
		"DeleteIndex/RW/Admin/NotFoundDdoc", "DeleteIndex/RW/Admin/NotFoundName",
		"DestroyDB/RW/Admin/NonExistantDB",
		"Get/RW/Admin/bogus", "GetAttachment/RW/Admin/foo/NotFound", "GetAttachmentMeta/RW/Admin/foo/NotFound", "GetRev/RW/Admin/bogus",
		"Replicate/RW/Admin/MissingSource/Results", "Replicate/RW/Admin/MissingTarget/Results",
		"SetSecurity/RW/Admin/NotExists", "SetSecurity/RW/NoAuth/NotExists",
	},
	http.StatusConflict: {
		"BulkDocs/RW/Admin/Mix/Conflict", "Delete/RW/Admin/WrongRev", "DeleteAttachment/RW/Admin/NoDoc",
		"Put/RW/Admin/Conflict", "PutAttachment/RW/Admin/Conflict",
	},
	http.StatusPreconditionFailed: {"CreateDB/RW/Admin/Recreate"},
}

// asked holds the suites that read databases which they did not create, each
// with what follows the database in the name of the subtest that does so. A
// database that does not exist is no secret: anonymous requests get 404, too.
var asked = map[string]string{
	"AllDocs": "", "Explain": "", "Find": "", "Flush": "/DoFlush", "GetIndexes": "", "Security": "", "Stats": "",
}

// Profile is what CouchDB 3.5 answers on a single node that has its system
// databases, _users and _replicator, but no _global_changes. Replications name
// a database of the server at url that it does not have.
func Profile(url string) kt.SuiteConfig {
	p := kt.SuiteConfig{
		"AllDBs.expected":          []string{"_replicator", "_users"},
		"Version.version":          `^3\.5\.`,
		"Version.vendor":           `^The Apache Software Foundation$`,
		"Replicate.NotFoundDB":     strings.TrimSuffix(url, "/") + "/" + absent,
		"Replicate.timeoutSeconds": 60,

		"AllDocs.databases":    []string{absent, underscore},
		"DBExists.databases":   []string{"_users", absent, underscore},
		"Explain.databases":    []string{absent, underscore},
		"Find.databases":       []string{absent, underscore},
		"Flush.databases":      []string{"_users", absent, underscore},
		"GetIndexes.databases": []string{"_replicator", "_users", absent, underscore},
		"Security.databases":   []string{"_replicator", "_users", absent, underscore},
		"Stats.databases":      []string{"_users", absent, underscore},

		"DBExists/Admin/_users.exists":              true,
		"DBExists/Admin/" + absent + ".exists":      false,
		"DBExists/Admin/" + underscore + ".exists":  false,
		"DBExists/NoAuth/" + absent + ".exists":     false,
		"DBExists/NoAuth/" + underscore + ".status": http.StatusUnauthorized,
		"DBExists/RW/Admin.exists":                  true,

		"Changes/Continuous.options": kivik.Params(map[string]any{"feed": "continuous", "since": "now", "heartbeat": 6000}),

		"Find/RW/Admin/Warning.warning":        "No matching index found, create an index to optimize query time.",
		"Explain.plan":                         plan(),
		"GetIndexes/Admin/_replicator.indexes": []kivik.Index{kt.AllDocsIndex},
		"GetIndexes/Admin/_users.indexes":      []kivik.Index{kt.AllDocsIndex},
	}
	for status, names := range refusals {
		for _, name := range names {
			p[name+".status"] = status
		}
	}
	for suite, rest := range asked {
		p[suite+"/Admin/"+absent+rest+".status"] = http.StatusNotFound
		p[suite+"/NoAuth/"+absent+rest+".status"] = http.StatusNotFound
		p[suite+"/Admin/"+underscore+rest+".status"] = http.StatusNotFound
		p[suite+"/NoAuth/"+underscore+rest+".status"] = http.StatusUnauthorized
	}
	return p
}

// plan is that of the selector {"_id":{"$gt":null}} where there is no index.
func plan() *kivik.QueryPlan {
	return &kivik.QueryPlan{
		Index: map[string]any{
			"ddoc": nil, "name": "_all_docs", "type": "special",
			"def": map[string]any{"fields": []any{map[string]string{"_id": "asc"}}},
		},
		Selector: map[string]any{"_id": map[string]any{"$gt": nil}},
		Options: map[string]any{
			"allow_fallback": true, "bookmark": "nil", "conflicts": false, "execution_stats": false,
			"fields": []any{}, "limit": 25, "partition": "", "r": 1, "skip": 0, "sort": map[string]any{},
			"stable": false, "stale": false, "update": true, "use_index": []any{},
		},
		Fields: []any{},
		Limit:  25,
	}
}

// Unused lists the keys of a profile that concern no test among the outcomes
// and none below a test that failed, and so would have run only later.
func Unused(profile kt.SuiteConfig, outcomes []Outcome) []string {
	var unused []string
	for _, key := range slices.Sorted(maps.Keys(profile)) {
		name := key[:strings.LastIndexByte(key, '.')]
		if !slices.ContainsFunc(outcomes, func(o Outcome) bool {
			return o.Name == name || below(o.Name, name) || o.Result == Failed && o.Name != "" && below(name, o.Name)
		}) {
			unused = append(unused, key)
		}
	}
	return unused
}
