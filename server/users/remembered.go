package users

import (
	"context"
	"slices"
	"sync"

	"settle/server/auth"
	"settle/storage/couch"
)

// maxRemembered bounds how many users are remembered; one costs about a kilobyte.
const maxRemembered = 10_000

// Remembered is a [Source] that reads a user again only when `_users` has changed
// since: every edit and every purge there has a sequence. It is safe for concurrent
// use; the zero value with a Source is ready.
type Remembered struct {
	Source

	mu    sync.RWMutex
	state state // that users were read in
	users map[string]*auth.User
}

var _ auth.Users = (*Remembered)(nil)

// state is what `_users` was like at a time.
type state struct {
	incarnation couch.Incarnation
	seq         couch.Seq
}

// User returns the user of a name as of now, nil where there is none.
func (r *Remembered) User(ctx context.Context, name string) (*auth.User, error) {
	now, err := r.now(ctx) // before the user is read: what changes in between is read again
	if err != nil {
		return nil, unlessMissing(err)
	}
	if u, ok := r.recall(now, name); ok {
		return copyOf(u), nil
	}
	u, err := r.Source.User(ctx, name)
	if err == nil && u != nil {
		r.remember(now, name, u)
	}
	return copyOf(u), err
}

func (r *Remembered) now(ctx context.Context) (state, error) {
	db, err := r.Databases.Database(ctx, DatabaseName)
	if err != nil {
		return state{}, err
	}
	seq, err := db.UpdateSeq(ctx)
	return state{db.Incarnation(), seq}, err
}

func (r *Remembered) recall(now state, name string) (*auth.User, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	u, ok := r.users[name]
	return u, ok && r.state == now
}

// remember keeps a user who was read in a state, or a later one. Where there are
// too many, some other is forgotten; those of another state are.
func (r *Remembered) remember(read state, name string, u *auth.User) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.state != read || r.users == nil {
		r.state, r.users = read, map[string]*auth.User{}
	}
	for other := range r.users {
		if len(r.users) < maxRemembered {
			break
		}
		delete(r.users, other)
	}
	r.users[name] = u
}

// copyOf returns a user that the caller may change.
func copyOf(u *auth.User) *auth.User {
	if u == nil {
		return nil
	}
	copied := *u
	copied.Roles = slices.Clip(u.Roles)
	return &copied
}
