package remote

import (
	"net/http"
	"net/url"
	"strings"
	"time"
)

// moved is where a peer sends its requests.
type moved struct {
	to    *url.URL
	until time.Time
}

// movedFor is for how long a redirect counts for other requests: then the peer is asked
// itself again, which may be back.
const movedFor = time.Minute

// mayKnow reports whether a place may be told who the endpoint's user is: the endpoint's
// own, and that of its host where what goes there is encrypted.
func (s *session) mayKnow(u *url.URL) bool {
	return s.isBase(u) || s.base.Scheme == "http" && u.Scheme == "https" && u.Hostname() == s.base.Hostname()
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
	if err != nil || !s.isBase(req.URL) || s.base.Scheme == "https" && to.Scheme != "https" {
		return
	}
	if s.isBase(to) { // from where it had moved to, if it had
		s.moved.Store(nil)
		return
	}
	if prefix, ok := strings.CutSuffix(to.EscapedPath(), req.URL.EscapedPath()); ok && to.RawQuery == req.URL.RawQuery {
		s.moved.Store(&moved{&url.URL{Scheme: to.Scheme, Host: to.Host, Path: prefix}, time.Now().Add(movedFor)})
	}
}

// movedTo returns where the peer sends its requests, nil where it answers them itself, as
// far as is known.
func (s *session) movedTo() *url.URL {
	if m := s.moved.Load(); m != nil && time.Now().Before(m.until) {
		return m.to
	}
	return nil
}

// placed returns a request as it is to be sent to where the peer has moved, if it has.
func (s *session) placed(req *http.Request) *http.Request {
	to := s.movedTo()
	if to == nil || !s.isBase(req.URL) {
		return req
	}
	u, err := url.Parse(to.Scheme + "://" + to.Host + to.Path + req.URL.EscapedPath())
	if err != nil {
		return req
	}
	u.RawQuery = req.URL.RawQuery
	req = req.Clone(req.Context())
	req.URL, req.Host = u, u.Host
	return req
}
