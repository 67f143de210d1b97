package web

import (
	"slices"
	"strings"

	"settle/server/auth"
	"settle/storage/couch"
)

// The reasons that CouchDB gives for refusing.
var (
	errNotUser        = &couch.Error{Kind: couch.Unauthorized, Reason: "You are not an authenticated user"}
	errNotServerAdmin = &couch.Error{Kind: couch.Unauthorized, Reason: "You are not a server admin."}
	errNotMetrics     = &couch.Error{Kind: couch.Unauthorized, Reason: "You are not a server admin or read-only metrics user"}
	errNotMaintainer  = &couch.Error{Kind: couch.Unauthorized, Reason: "You are not a server or db admin."}
)

// metricsRole is the role of those who may see the server's numbers.
const metricsRole = "_metrics"

// roles are what the privileges on a database ask of the user.
var roles = map[Privilege]auth.Role{
	Reader: auth.Reader, Deliverer: auth.Member, Writer: auth.Member, DatabaseAdmin: auth.Admin, Maintainer: auth.Admin,
}

// authorize checks that the user may do what the privilege stands for, and
// looks up the database that a privilege on one is about.
func (h *handler) authorize(r *Request, p Privilege) error {
	admin, name := r.Session.IsServerAdmin(), r.Param("db")
	switch {
	case p == User && !admin && r.Session.User.Name == "":
		return errNotUser
	case p == Public || p == User:
		return nil
	case !admin && (p == ServerAdmin || p.ofDatabase() && isForServerAdmin(name, r.params.Path())):
		return errNotServerAdmin
	case p == Metrics && !admin && !slices.Contains(r.Session.User.Roles, metricsRole):
		return errNotMetrics
	case p == ServerAdmin || p == Metrics:
		return nil
	}
	db, err := h.options.FindDatabase(r.Context(), name)
	if err != nil {
		return err
	}
	var rights auth.Rights
	if admin {
		rights = auth.Rights{Role: auth.Admin, Delivers: true}
	}
	if h.options.Access != nil {
		if db, rights, err = h.options.Access(r.Context(), db, r.Session.User); err != nil {
			return err
		}
	}
	r.database = db
	return demand(rights, privilegeIn(name, p, r.params.Path()), r.Session.User)
}

// demand refuses a user whose rights do not cover a privilege.
func demand(rights auth.Rights, p Privilege, user couch.UserCtx) error {
	if p == Deliverer && rights.Delivers {
		return nil
	}
	err := rights.Role.Demand(roles[p], user)
	if err != nil && p == Maintainer && rights.Role > auth.None {
		return errNotMaintainer
	}
	return err
}

// isForServerAdmin reports whether a path on a database is for server
// administrators only, whatever the privilege of its row: that of a name which is
// no database's but the server's, if anything, and those that list the accounts,
// or the replications with their passwords.
func isForServerAdmin(name, route string) bool {
	if !strings.HasPrefix(name, "_") {
		return false
	}
	if !slices.Contains(couch.SystemDatabases, name) {
		return true
	}
	for _, list := range []string{"/:db/_all_docs", "/:db/_changes", "/:db/_design_docs", "/:db/_local_docs"} {
		if route == list || strings.HasPrefix(route, list+"/") {
			return true
		}
	}
	return false
}

// privilegeIn returns the privilege that counts in a database. The one of
// accounts answers itself for design documents: it hides them like other
// documents.
func privilegeIn(name string, p Privilege, route string) Privilege {
	if name == "_users" && p == DatabaseAdmin && strings.HasPrefix(route, "/:db/_design/") {
		return Writer
	}
	return p
}
