package web

import (
	"slices"
	"strings"

	"settle/storage/couch"
)

// The reasons that CouchDB gives for refusing.
var (
	errNotServerAdmin = &couch.Error{Kind: couch.Unauthorized, Reason: "You are not a server admin."}
	errNotMember      = &couch.Error{Kind: couch.Unauthorized, Reason: "You are not authorized to access this db."}
	errNotAllowed     = &couch.Error{Kind: couch.Forbidden, Reason: "You are not allowed to access this db."}
)

// authorize checks that the user may do what the privilege stands for, and
// looks up the database that a privilege on one is about.
func (h *handler) authorize(r *Request, p Privilege) error {
	admin := r.Session.IsServerAdmin()
	switch {
	case p == Public:
		return nil
	case p == ServerAdmin:
		if !admin {
			return errNotServerAdmin
		}
		return nil
	}
	name := r.Param("db")
	if !admin && strings.HasPrefix(name, "_") && !slices.Contains(couch.SystemDatabases, name) {
		return errNotServerAdmin // such a name is a server resource, if anything
	}
	db, err := h.options.FindDatabase(r.Context(), name)
	if err != nil {
		return err
	}
	r.database = db
	switch {
	case admin:
		return nil
	case r.Session.User.Name == "":
		return errNotMember
	default:
		return errNotAllowed
	}
}
