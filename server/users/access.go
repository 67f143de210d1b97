package users

import (
	"context"
	"slices"

	"settle/server/auth"
	"settle/storage/couch"
)

// Access is who uses the database.
type Access struct {
	User couch.UserCtx
	// Role is what the database's security object makes of the user.
	Role auth.Role
}

// isAdmin reports whether the user is an administrator of the server or of the
// database.
func (a Access) isAdmin() bool { return a.Role >= auth.Admin }

func (a Access) isServerAdmin() bool { return slices.Contains(a.User.Roles, couch.AdminRole) }

// owns reports whether a document is the user's own.
func (a Access) owns(id couch.DocID) bool {
	name, ok := NameOf(id)
	return ok && name != "" && name == a.User.Name
}

// Policy is what the configuration says about the database.
type Policy struct {
	// PublicFields are the members that everybody may see who may read the
	// database, of anybody's document.
	PublicFields []string
	// SecurityEditable lets administrators change the security object.
	SecurityEditable bool
}

// Hasher makes the hashes of new passwords; *auth.Auth does.
type Hasher interface {
	Hash(ctx context.Context, password string) (auth.Hash, error)
}
