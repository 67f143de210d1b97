package auth

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"

	"settle/storage/couch"
)

// Settings keeps what outlives the process; *storage.Store does.
type Settings interface {
	// Setting returns the value of a key, nil where there is none.
	Setting(ctx context.Context, key string) ([]byte, error)
	// SetSetting is durable when it returns. A nil value removes the key.
	SetSetting(ctx context.Context, key string, value []byte) error
}

// Session is who makes a request, and how that was established.
type Session struct {
	User couch.UserCtx
	// Handler is what CouchDB calls the way of authentication: "cookie", "proxy",
	// "jwt" or "default" (Basic). Empty for anonymous.
	Handler string
	// NumericName says that the name is a number, in a token; it is printed so.
	NumericName bool
	// Renewed, where not empty, is the Set-Cookie header that keeps the session
	// going.
	Renewed string

	salt string // of the account, for its cookies
}

// IsServerAdmin reports whether the user is a server administrator.
func (s Session) IsServerAdmin() bool { return slices.Contains(s.User.Roles, couch.AdminRole) }

// isAnonymous reports whether nobody has been authenticated.
func (s Session) isAnonymous() bool { return s.Handler == "" }

// Options is what the authentication needs. User and Password may be empty.
type Options struct {
	Settings Settings
	Users    Users         // nil: no users but the administrators
	Policy   func() Policy // what the configuration says at the moment
	// User and Password, where both are set, name an administrator. They outrank
	// the stored one of that name, which they do not change, and the one in Admins.
	// The password may be a hash in one of the forms of CouchDB's [admins] section.
	User, Password string
	// Admins are those of the configuration file: by name, a password or a hash.
	// They too outrank the stored ones.
	Admins map[string]string
	// Announce is called with the password that the first start makes, before
	// its hash is stored. An error ends the start.
	Announce func(user, password string) error
}

// Auth authenticates requests. It is safe for concurrent use.
type Auth struct {
	settings Settings
	users    Users
	policy   func() Policy
	secret   []byte // signs cookies, unless the policy has a secret

	writes sync.Mutex // held over a change of the stored administrators

	given map[string]givenAdmin // from outside; never changed

	mu     sync.RWMutex // guards stored
	stored map[string]Hash

	hashing  chan struct{} // a place for each hash that may be computed at a time for log-ins
	making   chan struct{} // a place for the one that is made of a new password
	verified *verified
	failures failures
	keys     keyCache
	renewals renewals
}

// firstUser is the administrator that the first start makes.
const firstUser = "admin"

// secretKey is the setting that holds the secret that signs cookies.
const secretKey = "session_secret"

// Open reads the administrators, and makes one where there is none.
func Open(ctx context.Context, o Options) (*Auth, error) {
	if err := errors.Join(CheckGiven(o.User, o.Password), CheckFileAdmins(o.Admins)); err != nil {
		return nil, err
	}
	a := &Auth{
		settings: o.Settings, users: o.Users, policy: o.Policy,
		hashing: make(chan struct{}, max(1, runtime.NumCPU()/2)), making: make(chan struct{}, 1), verified: newVerified(),
	}
	if a.users == nil {
		a.users = NoUsers{}
	}
	a.renewals.ctx, a.renewals.stop = context.WithCancel(context.Background())
	var err error
	if a.stored, err = loadAdmins(ctx, o.Settings); err != nil {
		return nil, err
	}
	if a.secret, err = loadSecret(ctx, o.Settings); err != nil {
		return nil, err
	}
	if a.given, err = a.takeGiven(o); err != nil {
		return nil, err
	}
	if len(a.given)+len(a.stored) == 0 {
		if err := a.makeFirst(ctx, o.Announce); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// Close ends what log-ins have begun in the background, and waits for it.
func (a *Auth) Close() { a.renewals.close() }

func (a *Auth) iterations() int { return cmp.Or(a.policy().Iterations, DefaultIterations) }

// makeFirst makes the first administrator. The password is shown before its
// hash is stored, so that a crash leaves none that nobody has seen.
func (a *Auth) makeFirst(ctx context.Context, announce func(user, password string) error) error {
	password := makePassword()
	if err := announce(firstUser, password); err != nil {
		return fmt.Errorf("showing the administrator's password: %w", err)
	}
	return a.SetPassword(ctx, firstUser, password)
}

// loadSecret reads the secret that signs cookies, and makes one the first time.
func loadSecret(ctx context.Context, settings Settings) ([]byte, error) {
	secret, err := settings.Setting(ctx, secretKey)
	if err != nil {
		return nil, fmt.Errorf("reading the session secret: %w", err)
	}
	if secret != nil {
		return secret, nil
	}
	secret = make([]byte, 32)
	rand.Read(secret)
	if err := settings.SetSetting(ctx, secretKey, secret); err != nil {
		return nil, fmt.Errorf("storing the session secret: %w", err)
	}
	return secret, nil
}

// sharedSecret returns what signs cookies and proxies' tokens.
func (a *Auth) sharedSecret() []byte {
	if secret := a.policy().Secret; secret != "" {
		return []byte(secret)
	}
	return a.secret
}
