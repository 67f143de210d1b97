package couch

import "context"

// UserCtx is who makes a request.
type UserCtx struct {
	Name  string // empty: anonymous
	Roles []string
}

// AdminRole is the role of server administrators.
const AdminRole = "_admin"

type userKey struct{}

// WithUser returns a context for what is done on a user's behalf. Nothing is allowed or
// refused by it: it is what the validation functions of design documents are told.
func WithUser(ctx context.Context, user UserCtx) context.Context {
	return context.WithValue(ctx, userKey{}, user)
}

// UserOf returns on whose behalf something is done. Where nobody is named it is the
// server itself: an administrator without a name.
func UserOf(ctx context.Context) UserCtx {
	if user, ok := ctx.Value(userKey{}).(UserCtx); ok {
		return user
	}
	return UserCtx{Roles: []string{AdminRole}}
}
