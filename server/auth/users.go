package auth

import (
	"context"

	"settle/storage/couch"
)

// User is what a log-in needs of a user's document.
type User struct {
	Name  string
	Roles []string
	Hash  Hash   // the zero Hash: no password is right
	Salt  string // of the document, for cookies
	// Rev is the revision that the rest was read from.
	Rev couch.RevID
	// Conflicted says that the document has conflicts, so that nobody can tell
	// which password counts.
	Conflicted bool
	TOTP       *TOTP // a second factor; nil: none
}

// Users is where users are looked up.
type Users interface {
	// User returns the user of a name as of now, nil where there is none.
	User(ctx context.Context, name string) (*User, error)
	// Rehash stores a hash of the user's unchanged password, unless the document
	// is no longer at u.Rev: then it does nothing. The change is durable when
	// Rehash returns.
	Rehash(ctx context.Context, u *User, hash Hash) error
}

// NoUsers is a source without users.
type NoUsers struct{}

// User finds nobody.
func (NoUsers) User(context.Context, string) (*User, error) { return nil, nil }

// Rehash does nothing.
func (NoUsers) Rehash(context.Context, *User, Hash) error { return nil }

// account is an administrator, or a user, or both under one name.
type account struct {
	name     string
	roles    []string
	hash     Hash
	salt     string
	user     *User // what Rehash takes; nil for an administrator
	conflict bool
	totp     *TOTP
}

// find looks a name up, nil where it is nobody's. As in CouchDB an administrator
// who has a user's document too logs in as administrator, with the document's
// roles besides.
func (a *Auth) find(ctx context.Context, name string) (*account, error) {
	hash, isAdmin := a.adminHash(name)
	user, err := a.users.User(ctx, name)
	switch {
	case err != nil && !isAdmin:
		return nil, err
	case isAdmin:
		found := &account{name: name, roles: []string{couch.AdminRole}, hash: hash, salt: hash.salt}
		if user != nil && err == nil {
			found.roles = append(found.roles, user.Roles...)
		}
		return found, nil
	case user == nil:
		return nil, nil
	}
	return &account{
		name: name, roles: user.Roles, hash: user.Hash, salt: user.Salt,
		user: user, conflict: user.Conflicted, totp: user.TOTP,
	}, nil
}

// session returns the session of an account.
func (c *account) session(handler string) Session {
	return Session{User: couch.UserCtx{Name: c.name, Roles: c.roles}, Handler: handler, salt: c.salt}
}
