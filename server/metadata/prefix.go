package metadata

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"

	"settle/server/node"
	"settle/server/web"
	"settle/storage/couch"
)

// Prefix is the first segment of the paths of metadata replicas.
const Prefix = "_metadata"

// Dispatch returns a handler that gives requests below the prefix to one handler,
// and others to another.
func Dispatch(prefixed, others http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		handler := others
		if web.FirstSegment(req) == Prefix {
			handler = prefixed
		}
		handler.ServeHTTP(w, req)
	})
}

// served are the server's own endpoints below the prefix, by their first segment.
var served = []string{"_up", "_session", "_uuids", "_all_dbs", "_dbs_info"}

// Serves reports whether there is anything below the first segment behind the prefix:
// it names a database, or an endpoint of the server that clients need to replicate.
func Serves(segment string) bool {
	return !strings.HasPrefix(segment, "_") || slices.Contains(served, segment) || slices.Contains(couch.SystemDatabases, segment)
}

// Node is a store as metadata replicas know it. It implements [node.Store].
type Node struct{ node.Store }

// NewNode returns a store as metadata replicas know it.
func NewNode(store node.Store) Node { return Node{store} }

// UUID tells the metadata view from the ordinary one. Clients make the ids of their
// checkpoints with it, so that it is always the same for a store: the beginning of
// the SHA-256 of the prefix, a slash and the store's own, in hexadecimal.
func (n Node) UUID() string {
	sum := sha256.Sum256([]byte(Prefix + "/" + n.Store.UUID()))
	return hex.EncodeToString(sum[:16])
}
