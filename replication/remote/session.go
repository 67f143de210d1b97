package remote

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"settle/replication"
)

// session makes an endpoint's requests: with its headers, and where it has a name and
// password by a cookie of the peer's, which is renewed in time. A peer without
// sessions gets name and password with every request. Nothing of that goes to other
// hosts than the endpoint's, wherever it redirects; see mayKnow.
type session struct {
	endpoint *replication.Endpoint
	base     *url.URL
	next     *http.Transport
	moved    atomic.Pointer[moved]

	mu       sync.Mutex
	cookie   *http.Cookie
	renewAt  time.Time
	provedAt time.Time // when a log-in followed a refusal
	basic    bool      // the peer has no sessions
}

// defaultMaxAge is how long a cookie is used that does not tell its age.
const defaultMaxAge = 550 * time.Second

// RoundTrip makes one request.
func (s *session) RoundTrip(req *http.Request) (*http.Response, error) {
	asked := req
	req = s.placed(req)
	if !s.mayKnow(req.URL) {
		return s.send(asked, req)
	}
	req = req.Clone(req.Context())
	req.Header.Set("User-Agent", UserAgent)
	for _, h := range s.endpoint.Headers {
		req.Header.Set(h.Name, h.Value)
	}
	if !s.needsLogin(req) {
		return s.send(asked, req)
	}
	return s.sendAsUser(asked, req)
}

// CloseIdleConnections ends the connections that nobody uses; an [http.Client] asks for
// the method.
func (s *session) CloseIdleConnections() { s.next.CloseIdleConnections() }

type loginKey struct{}

// withoutLogin marks requests that are made to log in.
func withoutLogin(ctx context.Context) context.Context {
	return context.WithValue(ctx, loginKey{}, true)
}

// needsLogin reports whether a request, which goes to a place that may know who the user
// is, is to be made as that.
func (s *session) needsLogin(req *http.Request) bool {
	return s.endpoint.User != "" && req.Context().Value(loginKey{}) == nil
}

// sendAsUser sends a request, and again where the peer takes the cookie no more.
func (s *session) sendAsUser(asked, req *http.Request) (*http.Response, error) {
	begun := time.Now()
	cookie, err := s.login(req, nil)
	if err != nil {
		return nil, err
	}
	s.authorize(req, cookie)
	res, err := s.send(asked, req)
	if err != nil || res.StatusCode != http.StatusUnauthorized || cookie == nil {
		return res, err
	}
	repeatable := req.Body == nil || req.GetBody != nil
	if !repeatable && s.isCertain(begun) {
		return res, nil
	}
	io.Copy(io.Discard, io.LimitReader(res.Body, 1<<16))
	res.Body.Close()
	if cookie, err = s.login(req, cookie); err != nil {
		return nil, err
	}
	if !repeatable {
		return nil, s.doubt()
	}
	return s.again(asked, req, cookie)
}

// certainty is for how long after a log-in a peer's 401 is about what it is asked for.
const certainty = time.Minute

// isCertain reports whether a refusal of a request that had begun then means what it says:
// it came with a cookie that was new, for another was refused just before.
func (s *session) isCertain(begun time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return begun.After(s.provedAt) && time.Since(s.provedAt) < certainty
}

// doubt returns the error of a refused request that cannot be repeated, after a log-in:
// either the peer took the cookie no more, then the next try comes with another one, or
// it means what it says, and will say it again.
func (s *session) doubt() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.provedAt = time.Now()
	return replication.Errorf(replication.Failed, "the peer takes the session no more")
}

// send sends what a request has become, and notes what the answer says of others.
func (s *session) send(asked, req *http.Request) (*http.Response, error) {
	res, err := s.next.RoundTrip(req)
	if err != nil {
		if req.URL.Host != asked.URL.Host {
			s.moved.Store(nil)
		}
		return nil, err
	}
	s.redirected(asked, res)
	if s.mayKnow(req.URL) && s.needsLogin(req) {
		s.keep(res)
	}
	return res, nil
}

// again repeats a request whose cookie the peer takes no more, with a new one.
func (s *session) again(asked, req *http.Request, cookie *http.Cookie) (_ *http.Response, err error) {
	req = req.Clone(req.Context())
	if req.GetBody != nil {
		if req.Body, err = req.GetBody(); err != nil {
			return nil, err
		}
	}
	s.authorize(req, cookie)
	return s.send(asked, req)
}

func (s *session) authorize(req *http.Request, cookie *http.Cookie) {
	if cookie == nil {
		req.Header.Set("Authorization", s.endpoint.BasicAuth())
		return
	}
	req.Header.Set("Cookie", cookie.Name+"="+cookie.Value)
}

// login returns the cookie to use, a new one where there is none, it is old, or it is
// stale; nil where the peer has no sessions.
func (s *session) login(req *http.Request, stale *http.Cookie) (*http.Cookie, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.basic || s.cookie != nil && s.cookie != stale && time.Now().Before(s.renewAt) {
		return s.cookie, nil
	}
	res, err := s.post(req)
	if to := s.movedTo(); err == nil && res.StatusCode == http.StatusTemporaryRedirect && to != nil && s.mayKnow(to) {
		res, err = s.post(req)
	}
	if err != nil {
		return nil, err
	}
	switch {
	case res.StatusCode == http.StatusUnauthorized:
		return nil, &replication.Error{Kind: replication.LoginRefused, Reason: fmt.Sprintf("the session at %s was refused", s.shownRoot())}
	case res.StatusCode == http.StatusForbidden:
		return nil, &replication.Error{Kind: replication.LoginRefused, Reason: fmt.Sprintf("the session at %s is forbidden", s.shownRoot())}
	case res.StatusCode == http.StatusTooManyRequests || res.StatusCode == http.StatusRequestTimeout || res.StatusCode >= 500:
		return nil, replication.Errorf(replication.Failed, "logging in was answered %d", res.StatusCode)
	}
	s.cookie = nil
	s.take(res)
	s.basic = s.cookie == nil
	return s.cookie, nil
}

// post asks for a session. The answer's body has been read.
func (s *session) post(req *http.Request) (*http.Response, error) {
	form := url.Values{"name": {s.endpoint.User}, "password": {s.endpoint.Password}}.Encode()
	login, err := http.NewRequestWithContext(withoutLogin(req.Context()), http.MethodPost, s.loginURL(), strings.NewReader(form))
	if err != nil {
		return nil, replication.ErrBadURL
	}
	if !s.mayKnow(s.placed(login).URL) {
		return nil, &replication.Error{Kind: replication.Forbidden, Reason: "the peer redirects to a place that may not know the password"}
	}
	login.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	login.Header.Set("Accept", "application/json")
	res, err := s.RoundTrip(login)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	io.Copy(io.Discard, io.LimitReader(res.Body, 1<<16))
	return res, nil
}

// loginURL is where the sessions of the peer are: beside the database.
func (s *session) loginURL() string {
	u := *s.base
	u.RawPath = ""
	u.Path = path.Join(path.Dir(strings.TrimSuffix(s.base.EscapedPath(), "/")), "_session")
	return u.String()
}

func (s *session) shownRoot() string { return s.base.Scheme + "://" + s.base.Host }

// keep takes over a cookie that an answer renews.
func (s *session) keep(res *http.Response) {
	if res.StatusCode >= 300 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.basic {
		s.take(res)
	}
}

func (s *session) take(res *http.Response) {
	for _, c := range res.Cookies() {
		if c.Name != "AuthSession" || c.Value == "" {
			continue
		}
		age := defaultMaxAge
		if c.MaxAge > 0 {
			age = min(age, time.Duration(c.MaxAge)*time.Second)
		}
		s.cookie, s.renewAt = c, time.Now().Add(age*9/10)
	}
}
