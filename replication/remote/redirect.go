package remote

import (
	"net/http"
	"net/url"
	"strings"
)

// mayKnow reports whether a place may be told who the endpoint's user is: the endpoint's
// own, and that of its host where what goes there is encrypted.
func (s *session) mayKnow(u *url.URL) bool {
	if u.Scheme == s.base.Scheme {
		return u.Host == s.base.Host
	}
	return s.base.Scheme == "http" && u.Scheme == "https" && u.Hostname() == s.base.Hostname()
}

// isBase reports whether a URL is one of the endpoint's own place.
func (s *session) isBase(u *url.URL) bool {
	return u.Host == s.base.Host && u.Scheme == s.base.Scheme
}

// redirected notes where a peer sends its requests, so that the next ones go there at once:
// the contents of attachments cannot be sent twice. And it keeps the method, as CouchDB
// does: what was to be written is to be written there.
func (s *session) redirected(req *http.Request, res *http.Response) {
	switch res.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
	default:
		return
	}
	if req.Method != http.MethodGet && req.Method != http.MethodHead {
		res.StatusCode = http.StatusTemporaryRedirect
	}
	to, err := res.Location()
	if err != nil || !s.isBase(req.URL) || s.isBase(to) || s.base.Scheme == "https" && to.Scheme != "https" {
		return
	}
	if prefix, ok := strings.CutSuffix(to.EscapedPath(), req.URL.EscapedPath()); ok && to.RawQuery == req.URL.RawQuery {
		s.moved.Store(&url.URL{Scheme: to.Scheme, Host: to.Host, Path: prefix})
	}
}

// placed returns a request as it is to be sent to where the peer has moved, if it has.
func (s *session) placed(req *http.Request) *http.Request {
	moved := s.moved.Load()
	if moved == nil || !s.isBase(req.URL) {
		return req
	}
	u, err := url.Parse(moved.Scheme + "://" + moved.Host + moved.Path + req.URL.EscapedPath())
	if err != nil {
		return req
	}
	u.RawQuery = req.URL.RawQuery
	req = req.Clone(req.Context())
	req.URL, req.Host = u, u.Host
	return req
}
