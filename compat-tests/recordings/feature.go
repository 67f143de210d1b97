package recordings

import (
	"regexp"
	"strings"
)

// featureRules tell by a request which feature it belongs to; the first match counts.
var featureRules = []struct {
	feature string
	request *regexp.Regexp // METHOD PATH
}{
	{"purge", regexp.MustCompile(`/_purge|/_purged_infos`)},
	{"partitions", regexp.MustCompile(`/_partition/|partitioned=`)},
	{"mango", regexp.MustCompile(`/_(find|index|explain)\b`)},
	{"eventsource", regexp.MustCompile(`feed=eventsource`)},
	{"views", regexp.MustCompile(`/_view|/_info\b|filter=_view|/_design/[^/]+/queries`)},
	{"javascript", regexp.MustCompile(`/_(show|list|update|rewrite)\b`)},
	{"config", regexp.MustCompile(`/_config\b`)},
	{"replicator", regexp.MustCompile(`/_(replicate|replicator|scheduler)\b`)},
	{"db-updates", regexp.MustCompile(`/_(db_updates|global_changes)\b`)},
	{"users", regexp.MustCompile(`/_(users|session)\b`)},
}

// scenarioFeatures tell by a scenario's name, for requests that say nothing themselves.
var scenarioFeatures = []struct{ prefix, feature string }{
	{"view-", "views"},
	{"mango-", "mango"},
	{"ddoc-", "javascript"},
	{"changes-filter-js", "javascript"},
	{"changes-filter-builtin", "mango"},
	{"pull-selector", "mango"},
	{"bulk-docs-validation", "javascript"},
	{"push-refused", "javascript"},
	{"push-design-docs", "javascript"},
	{"db-counts", "purge"},
	{"feeds-db-updates", "db-updates"},
	{"changes-eventsource", "eventsource"},
	{"db-partitioned", "partitions"},
	{"bulk-purge", "purge"},
	{"auth-cors", "cors"},
	{"auth-jwt", "jwt"},
	{"auth-proxy", "proxy-auth"},
	{"auth-", "users"},
	{"repl-", "replicator"},
	{"feeds-config", "config"},
	{"server-config", "config"},
	{"feeds-", "feeds"},
	{"pull-", "replication-source"},
	{"push-", "replication-target"},
}

// FeatureOf guesses which feature an exchange waits for. Where nothing tells,
// it is the first word of the scenario's name.
func FeatureOf(s *Scenario, exchange int) string {
	title := s.Exchanges[exchange].Title()
	for _, rule := range featureRules {
		if rule.request.MatchString(title) {
			return rule.feature
		}
	}
	for _, rule := range scenarioFeatures {
		if strings.HasPrefix(s.Name, rule.prefix) {
			return rule.feature
		}
	}
	word, _, _ := strings.Cut(s.Name, "-")
	return word
}
