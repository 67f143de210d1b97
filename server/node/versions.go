package node

import (
	"net/http"
	"runtime"

	"settle/server/web"
)

// The tables by which package collate weighs strings.
const (
	collationLibrary = "golang.org/x/text/collate"
	unicodeVersion   = "6.2.0"
	cldrVersion      = "23"
)

// versions answers what the server is made of, in CouchDB's members.
func versions(r *web.Request) error {
	type engine struct {
		Name string `json:"name"`
	}
	type platform struct {
		Version string   `json:"version"`
		Hashes  []string `json:"supported_hashes"`
	}
	type collation struct {
		Name      string `json:"name"`
		Library   string `json:"library_version"`
		Algorithm string `json:"collation_algorithm_version"`
		Collator  string `json:"collator_version"`
	}
	return r.WriteJSON(http.StatusOK, struct {
		JavaScript engine    `json:"javascript_engine"`
		Platform   platform  `json:"erlang"`
		Collation  collation `json:"collation_driver"`
	}{
		engine{"quickjs"},
		platform{runtime.Version(), []string{"sha", "sha224", "sha256", "sha384", "sha512"}},
		collation{collationLibrary, cldrVersion, unicodeVersion, cldrVersion},
	})
}
