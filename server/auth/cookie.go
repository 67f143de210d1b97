package auth

import (
	"crypto/hmac"
	"encoding/base64"
	"hash"
	"net/http"
	"strconv"
	"strings"
	"time"

	"settle/storage/couch"
)

// CookieName is the name of CouchDB's session cookie.
const CookieName = "AuthSession"

var errBadCookie = &couch.Error{Kind: couch.BadRequest, Reason: "Malformed AuthSession cookie. Please clear your cookies."}

// token is what a session cookie holds. Its form is CouchDB's: base64url,
// without padding, of name ":" seconds since 1970 in upper-case hexadecimal ":"
// the raw HMAC of "name:seconds" under the secret and the salt of the user's
// password hash.
type token struct {
	name   string
	issued int64
	mac    []byte
}

// cookieKey returns the key of a user's cookies: a new password ends them.
func cookieKey(secret []byte, salt string) []byte {
	return append(append([]byte{}, secret...), salt...)
}

// newToken signs a token, with the first of the algorithms.
func newToken(name string, issued int64, key []byte, algorithms []string) token {
	t := token{name: name, issued: issued}
	t.mac = t.sign(digests[algorithms[0]], key)
	return t
}

func (t token) signed() string {
	return t.name + ":" + strings.ToUpper(strconv.FormatInt(t.issued, 16))
}

func (t token) sign(algorithm func() hash.Hash, key []byte) []byte {
	mac := hmac.New(algorithm, key)
	mac.Write([]byte(t.signed()))
	return mac.Sum(nil)
}

// valid reports whether the token was signed with the key, by one of the
// algorithms.
func (t token) valid(key []byte, algorithms []string) bool {
	for _, name := range algorithms {
		if hmac.Equal(t.mac, t.sign(digests[name], key)) {
			return true
		}
	}
	return false
}

// encode returns the cookie's value.
func (t token) encode() string {
	return base64.RawURLEncoding.EncodeToString(append([]byte(t.signed()+":"), t.mac...))
}

// decodeToken reads a cookie's value. The error is a BadRequest.
func decodeToken(value string) (token, error) {
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(value, "="))
	if err != nil {
		return token{}, errBadCookie
	}
	parts := strings.SplitN(string(raw), ":", 3) // the HMAC may hold colons
	if len(parts) != 3 {
		return token{}, errBadCookie
	}
	issued, err := strconv.ParseInt(parts[1], 16, 64)
	if err != nil {
		return token{}, errBadCookie
	}
	return token{name: parts[0], issued: issued, mac: []byte(parts[2])}, nil
}

// byCookie reads the session cookie.
type byCookie struct{ auth *Auth }

// authenticate counts a cookie that is signed wrongly or has run out as no log-in.
func (b byCookie) authenticate(req *http.Request) (Session, error) {
	cookie, err := req.Cookie(CookieName)
	if err != nil || cookie.Value == "" {
		return Session{}, nil
	}
	t, err := decodeToken(cookie.Value)
	if err != nil {
		return Session{}, err
	}
	a, policy := b.auth, b.auth.policy()
	timeout := int64(policy.SessionTimeout / time.Second)
	left := t.issued + timeout - time.Now().Unix()
	if left <= 0 || left > timeout+maxClockSkew || t.name == "" {
		return Session{}, nil
	}
	found, err := a.find(req.Context(), t.name)
	if err != nil || found == nil || !t.valid(cookieKey(a.sharedSecret(), found.salt), policy.hashAlgorithms()) {
		return Session{}, err
	}
	if found, err = found.unlessConflicted(); err != nil {
		return Session{}, err
	}
	s := found.session(handlerCookie)
	if left*10 < timeout*9 { // less than nine tenths are left
		s.Renewed = a.Cookie(req, s)
	}
	return s, nil
}

// maxClockSkew is how far in the future, in seconds, a cookie may have been made,
// by another server with the same secret.
const maxClockSkew = 60

// Cookie returns the Set-Cookie header that begins a session, or keeps it going,
// for an answer to req.
func (a *Auth) Cookie(req *http.Request, s Session) string {
	t := newToken(s.User.Name, time.Now().Unix(), cookieKey(a.sharedSecret(), s.salt), a.policy().hashAlgorithms())
	return a.cookie(req, t.encode())
}

// NoCookie returns the Set-Cookie header that takes the session's cookie away
// from the client.
func (a *Auth) NoCookie(req *http.Request) string { return a.cookie(req, "") }

// cookie returns the Set-Cookie header for a value.
func (a *Auth) cookie(req *http.Request, value string) string {
	policy := a.policy()
	var b strings.Builder
	b.WriteString(CookieName + "=" + value + "; Version=1")
	if policy.Persistent {
		expires := time.Now().Add(policy.SessionTimeout).UTC()
		b.WriteString("; Expires=" + expires.Format("Mon, 02-Jan-2006 15:04:05 GMT"))
		b.WriteString("; Max-Age=" + strconv.FormatInt(int64(policy.SessionTimeout/time.Second), 10))
	}
	if req.TLS != nil {
		b.WriteString("; Secure")
	}
	if policy.CookieDomain != "" {
		b.WriteString("; Domain=" + policy.CookieDomain)
	}
	b.WriteString("; Path=/; HttpOnly")
	if policy.SameSite != "" {
		b.WriteString("; SameSite=" + policy.SameSite)
	}
	return b.String()
}
