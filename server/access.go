package server

import (
	"context"

	"settle/server/access"
	"settle/server/auth"
	"settle/server/replicator"
	"settle/server/users"
	"settle/server/web"
	"settle/storage"
	"settle/storage/couch"
	"settle/storage/metaview"
)

// accessTo returns what a database's security object makes of a user, and the
// database as the user sees it, in a view.
func accessTo(o Options, view func(*storage.Database) *metaview.Database) func(context.Context, web.Database, couch.UserCtx) (web.Database, auth.Rights, error) {
	policy := usersPolicy(o.Config)
	return func(ctx context.Context, found web.Database, user couch.UserCtx) (web.Database, auth.Rights, error) {
		rights, err := rightsIn(ctx, found.(*storage.Database), user)
		db := view(found.(*storage.Database))
		switch {
		case err != nil:
			return nil, auth.Rights{}, err
		case db.Name() == users.DatabaseName:
			return users.NewDatabase(db, users.Access{User: user, Role: rights.Role}, policy(), o.Auth), rights, nil
		case replicator.IsReplicatorDatabase(db.Name()):
			return replicator.NewDatabase(db, user, rights.Role), rights, nil
		case (auth.Session{User: user}).IsServerAdmin():
			return db, rights, nil
		}
		return access.NewDatabase(db, user, rights.Role), rights, nil
	}
}

// rightsIn returns what a database's security object makes of a user.
func rightsIn(ctx context.Context, db *storage.Database, user couch.UserCtx) (auth.Rights, error) {
	if (auth.Session{User: user}).IsServerAdmin() {
		return auth.Rights{Role: auth.Admin, Delivers: true}, nil
	}
	text, err := db.Security(ctx)
	if err != nil {
		return auth.Rights{}, err
	}
	security, err := auth.ParseSecurity(text)
	if err != nil { // stored, so it was in order once
		return auth.Rights{}, &couch.Error{Kind: couch.Corrupt, Reason: "The stored security object is damaged.", Err: err}
	}
	return security.Rights(user), nil
}
