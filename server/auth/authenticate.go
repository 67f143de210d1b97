package auth

import (
	"net/http"

	"settle/storage/couch"
)

// authenticator is one way to say who makes a request.
type authenticator interface {
	// authenticate returns a Session without Handler where the request does not
	// use this way. An error, of kind BadRequest, Unauthorized or Forbidden, is
	// the answer to the request.
	authenticate(req *http.Request) (Session, error)
}

var (
	_ authenticator = byCookie{}
	_ authenticator = byProxy{}
	_ authenticator = byToken{}
	_ authenticator = byBasic{}
)

// standardHandlers are CouchDB's ways, in its order.
var standardHandlers = []string{handlerCookie, handlerDefault}

// Handlers returns the ways of authentication in force, by CouchDB's names and
// in the order in which they are tried.
func (a *Auth) Handlers() []string {
	if handlers := a.policy().Handlers; len(handlers) > 0 {
		return handlers
	}
	return standardHandlers
}

func (a *Auth) authenticator(name string) authenticator {
	switch name {
	case handlerCookie:
		return byCookie{a}
	case handlerProxy:
		return byProxy{a}
	case handlerJWT:
		return byToken{a}
	default:
		return byBasic{a}
	}
}

var (
	errLogIn = &couch.Error{Kind: couch.Unauthorized, Reason: "Authentication required."}
	errWrong = &couch.Error{Kind: couch.Unauthorized, Reason: "Name or password is incorrect."}
)

// Authenticate says who makes a request: what the first way says that the
// request uses, else nobody. Errors are those that CouchDB answers with, of kind
// BadRequest, Unauthorized, Forbidden or NotFound, and those of the users' source.
//
// The path is looked at in the request's URL.RawPath.
func (a *Auth) Authenticate(req *http.Request) (Session, error) {
	for _, name := range a.Handlers() {
		s, err := a.authenticator(name).authenticate(req)
		if err != nil {
			return Session{}, err
		}
		if !s.isAnonymous() {
			return s, nil
		}
	}
	if a.mustLogIn(req) {
		return Session{}, errLogIn
	}
	return Session{}, nil
}

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
// the client wants it to be, else what the configuration does, else Basic where
// anonymous requests are refused, else none. Without it, browsers do not ask for a
// password.
func (a *Auth) Challenge(req *http.Request) string {
	if wanted := req.Header.Get("X-CouchDB-WWW-Authenticate"); wanted != "" {
		return wanted
	}
	policy := a.policy()
	if policy.Challenge != "" {
		return policy.Challenge
	}
	if policy.RequireUser {
		return `Basic realm="server"`
	}
	return ""
}
