package auth

import (
	"cmp"
	"net/netip"
	"regexp"
	"strings"
	"time"

	"settle/storage/couch"
)

// Policy is what the configuration says about logging in. The zero value of a
// field is CouchDB's standard, unless it says otherwise.
type Policy struct {
	Handlers []string // the ways of authentication, in order; see ParseHandlers

	RequireUser      bool // no anonymous requests
	RequireUserButUp bool // none but for /_up

	Challenge string // the WWW-Authenticate header of every 401; empty: see [Auth.Challenge]

	SessionTimeout time.Duration // no standard
	Persistent     bool          // cookies outlive the browser; no standard
	SameSite       string        // the cookies' attribute; empty: none
	CookieDomain   string        // the cookies' attribute; empty: none
	Secret         string        // signs cookies; empty: one of the store's own

	// HashAlgorithms sign cookies and proxies' tokens: all of them count, the
	// first makes new ones. Empty: "sha256" and "sha" (SHA-1).
	HashAlgorithms []string

	Iterations     int  // of new password hashes; 0: DefaultIterations
	KeepWeakHashes bool // a log-in does not renew a hash of an older kind

	Passwords []PasswordRule // what users' new passwords must match, all of them

	Lockout Lockout
	Proxy   Proxy
	JWT     JWT
}

// PasswordRule is what a new password must match.
type PasswordRule struct {
	Pattern *regexp.Regexp
	Reason  string // told to whoever's password does not; may be empty
}

// checkPassword refuses a password that does not match the rules. The error is a
// BadRequest.
func (p Policy) checkPassword(password string) error {
	for _, rule := range p.Passwords {
		if !rule.Pattern.MatchString(password) {
			reason := "Password does not conform to requirements. " + rule.Reason
			return couch.Errorf(couch.BadRequest, "%s", strings.TrimSpace(reason))
		}
	}
	return nil
}

// Lockout bounds the guessing of passwords.
type Lockout struct {
	Off      bool
	WarnOnly bool          // failures are counted, nobody is refused
	Failures int           // of an address with a name, until it is refused; 0: 5
	Memory   time.Duration // how long after the last failure; 0: 5 minutes
	Records  int           // how many are kept; 0: 10000
	// Proxies are those whose X-Forwarded-For says where a request comes from. Who is
	// none is not believed.
	Proxies []netip.Prefix
}

func (l Lockout) failures() int         { return cmp.Or(max(0, l.Failures), 5) }
func (l Lockout) memory() time.Duration { return cmp.Or(max(0, l.Memory), 5*time.Minute) }
func (l Lockout) records() int          { return cmp.Or(max(0, l.Records), 10_000) }

// Proxy is how a proxy says whom it has authenticated.
type Proxy struct {
	UseSecret   bool   // the proxy proves itself by a token
	NameHeader  string // empty: X-Auth-CouchDB-UserName
	RolesHeader string // empty: X-Auth-CouchDB-Roles
	TokenHeader string // empty: X-Auth-CouchDB-Token
}

// JWT says which JSON web tokens count.
type JWT struct {
	// Key returns the key of an id, "hmac:", "rsa:" or "ec:" and the token's kid,
	// in the form of CouchDB's section [jwt_keys]: base64, or PEM with "\n" for
	// the ends of lines. nil: there are no keys.
	Key func(id string) (value string, ok bool)
	// Required are the claims that a token must have; see ParseClaims.
	Required Claims
	// RolesClaim names the claim that holds the roles. Empty: "_couchdb.roles".
	RolesClaim string
	// RolesPath, where not empty, leads to the roles instead: names of nested
	// objects between dots, where "\." is a dot in a name.
	RolesPath string
}

// The ways of authentication, by CouchDB's names.
const (
	handlerCookie  = "cookie"
	handlerProxy   = "proxy"
	handlerJWT     = "jwt"
	handlerDefault = "default" // Basic
)

// ParseHandlers reads CouchDB's chttpd/authentication_handlers, which is of the
// form "{chttpd_auth, cookie_authentication_handler}, {…}". What settle has not
// is left out, and where nothing is left the result is nil, the standard.
func ParseHandlers(text string) []string {
	var names []string
	for pair := range strings.SplitSeq(text, "}") {
		_, function, _ := strings.Cut(strings.TrimLeft(pair, ", \t\r\n"), ",")
		name, ok := strings.CutSuffix(strings.TrimSpace(function), "_authentication_handler")
		switch name {
		case "proxy", "jwt", "default", "cookie":
			if ok {
				names = append(names, name)
			}
		}
	}
	return names
}

// standardAlgorithms are CouchDB's chttpd_auth/hash_algorithms.
var standardAlgorithms = []string{"sha256", "sha"}

// hashAlgorithms returns the algorithms that sign, at least one, each known.
func (p Policy) hashAlgorithms() []string {
	var known []string
	for _, name := range p.HashAlgorithms {
		if digests[name] != nil {
			known = append(known, name)
		}
	}
	if len(known) == 0 {
		return standardAlgorithms
	}
	return known
}
