package auth

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"settle/storage/couch"
)

// Settings keeps what outlives the process; *storage.Store does.
type Settings interface {
	// Setting returns the value of a key, nil where there is none.
	Setting(ctx context.Context, key string) ([]byte, error)
	// SetSetting is durable when it returns. A nil value removes the key.
	SetSetting(ctx context.Context, key string, value []byte) error
}

// Policy is what the configuration says about logging in.
type Policy struct {
	RequireUser      bool // no anonymous requests
	RequireUserButUp bool // none but for /_up

	SessionTimeout time.Duration
	Persistent     bool   // cookies outlive the browser
	SameSite       string // the cookies' attribute; empty: none
	CookieDomain   string // the cookies' attribute; empty: none
	Secret         string // signs cookies; empty: one of the store's own

	Iterations int // of new password hashes; 0: DefaultIterations
}

// Session is who makes a request, and how that was established.
type Session struct {
	User couch.UserCtx
	// Handler is what CouchDB calls the way of authentication: "cookie" or
	// "default" (Basic). Empty for anonymous.
	Handler string
	// Renewed, where not empty, is the Set-Cookie header that keeps the session
	// going.
	Renewed string
}

// IsServerAdmin reports whether the user is a server administrator.
func (s Session) IsServerAdmin() bool { return slices.Contains(s.User.Roles, couch.AdminRole) }

// Handlers are the ways of authentication, in CouchDB's names and order.
var Handlers = []string{"cookie", "default"}

// Options is what the authentication needs. User and Password may be empty.
type Options struct {
	Settings Settings
	Policy   func() Policy // what the configuration says at the moment
	// User and Password, where both are set, name the administrator. They
	// outrank the stored ones, which they do not change.
	User, Password string
	// Announce is called with the password that the first start makes, before
	// its hash is stored. An error ends the start.
	Announce func(user, password string) error
}

// Auth knows the administrators. It is safe for concurrent use.
type Auth struct {
	settings Settings
	policy   func() Policy
	secret   []byte // signs cookies, unless the policy has a secret

	writes sync.Mutex // held over a change of the stored administrators

	mu     sync.RWMutex    // guards given and stored
	given  map[string]Hash // by the environment; nil where it names nobody
	stored map[string]Hash

	hashing  chan struct{} // a place for each hash that may be computed at a time
	decoy    Hash          // what an unknown name is checked against
	verified verified
}

// firstUser is the administrator that the first start makes.
const firstUser = "admin"

// secretKey is the setting that holds the secret that signs cookies.
const secretKey = "session_secret"

// Open reads the administrators, and makes one where there is none.
func Open(ctx context.Context, o Options) (*Auth, error) {
	a := &Auth{settings: o.Settings, policy: o.Policy, hashing: make(chan struct{}, max(1, runtime.NumCPU()/2))}
	a.decoy = decoy(a.iterations())
	rand.Read(a.verified.key[:])
	var err error
	if a.stored, err = loadAdmins(ctx, o.Settings); err != nil {
		return nil, err
	}
	if a.secret, err = loadSecret(ctx, o.Settings); err != nil {
		return nil, err
	}
	if (o.User == "") != (o.Password == "") {
		return nil, errors.New("COUCHDB_USER and COUCHDB_PASSWORD must be set together")
	}
	switch {
	case o.User != "":
		err = a.takeGiven(o.User, o.Password)
	case len(a.stored) == 0:
		err = a.makeFirst(ctx, o.Announce)
	}
	if err != nil {
		return nil, err
	}
	return a, nil
}

func (a *Auth) iterations() int { return cmp.Or(a.policy().Iterations, DefaultIterations) }

// takeGiven takes the administrator that the environment names.
func (a *Auth) takeGiven(user, password string) error {
	if strings.Contains(user, ":") {
		return errors.New("COUCHDB_USER must not hold a colon")
	}
	hash, err := HashPassword(password, a.iterations())
	if err != nil {
		return err
	}
	a.given = map[string]Hash{user: hash}
	return nil
}

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

// Authenticate says who makes a request: by cookie, else by Basic, else nobody.
// Errors are those that CouchDB answers with, of kind BadRequest or Unauthorized.
//
// The path is looked at in the request's URL.RawPath.
func (a *Auth) Authenticate(req *http.Request) (Session, error) {
	s, err := a.byCookie(req)
	if err == nil && s.User.Name == "" {
		s, err = a.byBasic(req)
	}
	if err != nil {
		return Session{}, err
	}
	if s.User.Name == "" && a.mustLogIn(req) {
		return Session{}, errLogIn
	}
	return s, nil
}

var (
	errLogIn  = &couch.Error{Kind: couch.Unauthorized, Reason: "Authentication required."}
	errWrong  = &couch.Error{Kind: couch.Unauthorized, Reason: "Name or password is incorrect."}
	errBase64 = &couch.Error{Kind: couch.BadRequest, Reason: "Authorization header has invalid base64 value"}
)

// mustLogIn reports whether the configuration closes a path to anonymous.
func (a *Auth) mustLogIn(req *http.Request) bool {
	path, policy := req.URL.RawPath, a.policy()
	switch {
	case path == "/_session" && req.Method == http.MethodPost:
		return false
	case policy.RequireUserButUp:
		return path != "/_up"
	}
	return policy.RequireUser
}

// Challenge returns the WWW-Authenticate header of an answer that is a 401: what
// the client wants it to be, else Basic where anonymous requests are refused,
// else none. Without it, browsers do not ask for a password.
func (a *Auth) Challenge(req *http.Request) string {
	if wanted := req.Header.Get("X-CouchDB-WWW-Authenticate"); wanted != "" {
		return wanted
	}
	if a.policy().RequireUser {
		return `Basic realm="server"`
	}
	return ""
}

// newSession returns the session of an administrator.
func newSession(name, handler string) Session {
	return Session{User: couch.UserCtx{Name: name, Roles: []string{couch.AdminRole}}, Handler: handler}
}

// Login checks a name and password, and returns a session that has no Handler.
// It returns at once for a pair that was right before, else it takes as long as
// hashing the password. The error is an Unauthorized.
func (a *Auth) Login(ctx context.Context, name, password string) (Session, error) {
	if err := a.login(ctx, name, password); err != nil {
		return Session{}, err
	}
	return newSession(name, ""), nil
}

func (a *Auth) login(ctx context.Context, name, password string) error {
	a.mu.RLock()
	hash, known := a.inForce()[name]
	a.mu.RUnlock()
	if known && a.verified.has(name, password, hash) {
		return nil
	}
	select {
	case a.hashing <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-a.hashing }()
	if !known {
		a.decoy.Verify(password) // takes as long as for a known name
		return errWrong
	}
	if !hash.Verify(password) {
		return errWrong
	}
	a.verified.add(name, password, hash)
	return nil
}

// verified remembers, under a key that lives as long as the process, which
// password of a name was right for which hash.
type verified struct {
	key  [32]byte
	mu   sync.RWMutex
	tags map[string][sha256.Size]byte // by name
}

// has reports whether the pair was right for this hash.
func (v *verified) has(name, password string, hash Hash) bool {
	v.mu.RLock()
	tag, ok := v.tags[name]
	v.mu.RUnlock()
	if !ok {
		return false
	}
	given := v.tag(name, password, hash)
	return hmac.Equal(given[:], tag[:])
}

func (v *verified) add(name, password string, hash Hash) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.tags == nil {
		v.tags = map[string][sha256.Size]byte{}
	}
	v.tags[name] = v.tag(name, password, hash)
}

func (v *verified) tag(name, password string, hash Hash) [sha256.Size]byte {
	mac := hmac.New(sha256.New, v.key[:])
	fmt.Fprintf(mac, "%d:%s%d:%s%s", len(name), name, len(password), password, hash.Text())
	return [sha256.Size]byte(mac.Sum(nil))
}
