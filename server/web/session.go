package web

import (
	"context"
	"net/http"
	"net/textproto"
	"slices"
	"strings"

	"settle/server/auth"
)

type sessionKey struct{}

// WithSession returns a context for requests that a handler makes in the name of the one
// it answers: they are the session's, whatever their headers say, and are not
// authenticated again. What they may do is looked at anew.
func WithSession(ctx context.Context, s auth.Session) context.Context {
	s.Renewed = "" // the answer has it already
	return context.WithValue(ctx, sessionKey{}, s)
}

// authenticate says who makes a request.
func (h *handler) authenticate(req *http.Request) (auth.Session, error) {
	if s, ok := req.Context().Value(sessionKey{}).(auth.Session); ok {
		return s, nil
	}
	return h.options.Authenticate(req)
}

// IsCredential reports whether a header of requests proves who sends them, or says so on
// a proxy's word.
func (r *Request) IsCredential(name string) bool {
	name = textproto.CanonicalMIMEHeaderKey(name)
	switch name {
	case "Authorization", "Proxy-Authorization", "Cookie":
		return true
	}
	if strings.HasPrefix(name, "X-Auth-Couchdb-") {
		return true
	}
	return r.options.Credentials != nil && slices.ContainsFunc(r.options.Credentials(), func(credential string) bool {
		return strings.EqualFold(name, credential)
	})
}

// CookiesShown returns the request's cookies but that of its session.
func (r *Request) CookiesShown() []*http.Cookie {
	return slices.DeleteFunc(r.Cookies(), func(c *http.Cookie) bool { return strings.EqualFold(c.Name, auth.CookieName) })
}
