package remote

import (
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
	next     http.RoundTripper
	moved    atomic.Pointer[url.URL] // where the peer sends its requests; nil: nowhere

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
	if s.endpoint.User == "" || req.Context().Value(loginKey{}) != nil {
		return s.send(asked, req)
	}
	cookie, err := s.login(req, nil)
	if err != nil {
		return nil, err
	}
	s.authorize(req, cookie)
	res, err := s.send(asked, req)
	if err != nil {
		return nil, err
	}
	s.keep(res)
	if res.StatusCode != http.StatusUnauthorized || cookie == nil {
		return res, nil
	}
	if req.Body != nil && req.GetBody == nil {
		return s.doubt(req, res, cookie)
	}
	return s.again(req, res, cookie)
}

// certainty is for how long after a log-in a peer's 401 is about what it is asked for.
const certainty = time.Minute

// doubt judges the refusal of a request that cannot be repeated: either the peer does not
// take the cookie any more, then the next try comes with another one, or it means what it
// says.
func (s *session) doubt(req *http.Request, res *http.Response, cookie *http.Cookie) (*http.Response, error) {
	s.mu.Lock()
	isCertain := time.Since(s.provedAt) < certainty
	s.mu.Unlock()
	if isCertain {
		return res, nil
	}
	res.Body.Close()
	if _, err := s.login(req, cookie); err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.provedAt = time.Now()
	s.mu.Unlock()
	return nil, replication.Errorf(replication.Failed, "the peer takes the session no more")
}

// send sends what a request has become.
func (s *session) send(asked, req *http.Request) (*http.Response, error) {
	res, err := s.next.RoundTrip(req)
	if err == nil {
		s.redirected(asked, res)
	}
	return res, err
}

// again repeats a request whose cookie the peer does not take any more.
func (s *session) again(req *http.Request, res *http.Response, stale *http.Cookie) (*http.Response, error) {
	io.Copy(io.Discard, io.LimitReader(res.Body, 1<<16))
	res.Body.Close()
	cookie, err := s.login(req, stale)
	if err != nil {
		return nil, err
	}
	req = req.Clone(req.Context())
	if req.GetBody != nil {
		if req.Body, err = req.GetBody(); err != nil {
			return nil, err
		}
	}
	s.authorize(req, cookie)
	return s.next.RoundTrip(req)
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
	if moved := s.moved.Load(); err == nil && res.StatusCode == http.StatusTemporaryRedirect && moved != nil && s.mayKnow(moved) {
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
