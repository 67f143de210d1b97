package auth

import (
	"context"
	"net/http"
	"sync"
	"time"

	"settle/storage/couch"
)

var errConflicted = &couch.Error{Kind: couch.Unauthorized, Reason: "User document conflicts must be resolved before the document is used for authentication purposes."}

// Credentials are what a client logs in with.
type Credentials struct {
	Name, Password string
	Token          string // the code of the second factor, where the user has one
}

// String hides the credentials from logs and errors.
func (Credentials) String() string { return "[redacted]" }

// GoString hides the credentials too.
func (Credentials) GoString() string { return "[redacted]" }

// Login checks the credentials that a request brings, and returns a session
// that has no Handler, for Cookie. It returns at once for a pair that was right
// before, else it takes as long as hashing the password, whether the name is
// known or not. The error is an Unauthorized, or a Forbidden after too many
// failures.
func (a *Auth) Login(req *http.Request, c Credentials) (Session, error) {
	found, err := a.verify(req, c.Name, c.Password)
	if err != nil {
		return Session{}, err
	}
	if found.totp != nil {
		lockout := a.policy().Lockout
		err := a.failures.try(req.Context(), lockout.guess(req, c.Name, found.salt), lockout, attempt{
			known: func() bool { return false },
			guess: func() (bool, error) { return found.totp.verify(c.Token, time.Now()), nil },
		})
		if err != nil {
			return Session{}, err
		}
	}
	return found.session(""), nil
}

// verify returns the account that a name and password open.
func (a *Auth) verify(req *http.Request, name, password string) (*account, error) {
	found, err := a.find(req.Context(), name)
	if err != nil {
		return nil, err
	}
	salt, lockout, computed := "", a.policy().Lockout, false
	if found != nil {
		salt = found.salt
	}
	err = a.failures.try(req.Context(), lockout.guess(req, name, salt), lockout, attempt{
		known: func() bool { return a.isVerified(found, password) },
		guess: func() (bool, error) {
			computed = true
			return a.compute(req.Context(), found, password)
		},
	})
	if err != nil {
		return nil, err
	}
	if computed && found.user != nil && found.hash.isWeakerThan(a.iterations()) && !a.policy().KeepWeakHashes {
		a.renew(found, password)
	}
	return found.unlessConflicted()
}

func (c *account) unlessConflicted() (*account, error) {
	if c.conflict {
		return nil, errConflicted
	}
	return c, nil
}

// isVerified reports whether the password was right before.
func (a *Auth) isVerified(found *account, password string) bool {
	return found != nil && a.verified.has(found.name, password, found.hash)
}

// compute reports whether a password is right, the slow way. found is nil for an
// unknown name.
func (a *Auth) compute(ctx context.Context, found *account, password string) (bool, error) {
	if err := a.takePlace(ctx); err != nil {
		return false, err
	}
	defer a.leavePlace()
	if a.isVerified(found, password) { // another has computed it in the meantime
		return true, nil
	}
	rest := a.iterations()
	if found != nil {
		if found.hash.Verify(password) {
			a.verified.add(found.name, password, found.hash)
			return true, nil
		}
		rest -= found.hash.iterations
	}
	if rest > 0 { // a failure takes as long for any name
		decoy(rest).Verify(password)
	}
	return false, nil
}

// takePlace waits until a hash may be computed.
func (a *Auth) takePlace(ctx context.Context) error {
	select {
	case a.hashing <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (a *Auth) leavePlace() { <-a.hashing }

// renewals are the hashes of an older kind that are being made anew.
type renewals struct {
	ctx   context.Context
	stop  context.CancelFunc
	group sync.WaitGroup

	mu      sync.Mutex
	closed  bool
	running map[string]bool // by the user's name
}

// begin reports whether the renewal of a user's hash may start now.
func (r *renewals) begin(name string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed || r.running[name] || len(r.running) >= maxRenewals {
		return false
	}
	if r.running == nil {
		r.running = map[string]bool{}
	}
	r.running[name] = true
	r.group.Add(1)
	return true
}

// maxRenewals bounds how many wait; the others' turn comes at a later log-in.
const maxRenewals = 100

func (r *renewals) end(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.running, name)
	r.group.Done()
}

func (r *renewals) close() {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.stop()
	r.group.Wait()
}

// renew makes the hash of a password that was right anew, in the background. The
// salt stays, so that the user's cookies go on counting. What fails is tried
// again at a later log-in.
func (a *Auth) renew(found *account, password string) {
	if !a.renewals.begin(found.name) {
		return
	}
	go func() {
		defer a.renewals.end(found.name)
		ctx := a.renewals.ctx
		if err := a.takePlace(ctx); err != nil {
			return
		}
		hash, err := derive(password, found.salt, a.iterations())
		a.leavePlace()
		if err == nil && a.users.Rehash(ctx, found.user, hash) == nil {
			a.verified.add(found.name, password, hash)
		}
	}()
}

// Hash makes the hash of a user's new password. One is made at a time, beside those that
// log-ins need: sign-ups, which anybody may be free to make, must not keep users out. The
// error is a BadRequest for a password that does not match the policy's rules.
func (a *Auth) Hash(ctx context.Context, password string) (Hash, error) {
	if err := a.policy().checkPassword(password); err != nil {
		return Hash{}, err
	}
	select {
	case a.making <- struct{}{}:
	case <-ctx.Done():
		return Hash{}, ctx.Err()
	}
	defer func() { <-a.making }()
	return HashPassword(password, a.iterations())
}
