package attacks_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"hash"
	"net/http"
	"strings"
	"testing"
	"time"
)

// secret signs cookies and proxies' tokens in the tests that forge them.
const secret = "the-secret-of-the-fort"

// cookie is what a session's cookie is made of.
type cookie struct {
	name   string
	issued int64
	key    string // the secret and the salt of the user's password
	digest func() hash.Hash
}

func (c cookie) mac() string {
	mac := hmac.New(c.digest, []byte(c.key))
	fmt.Fprintf(mac, "%s:%X", c.name, c.issued)
	return string(mac.Sum(nil))
}

// header returns the header with the cookie.
func (c cookie) header() string {
	return cookieHeader(fmt.Sprintf("%s:%X:%s", c.name, c.issued, c.mac()))
}

func cookieHeader(text string) string {
	return "Cookie: AuthSession=" + base64.RawURLEncoding.EncodeToString([]byte(text))
}

// with makes the requests by which an identity that counts would show itself.
func (f *fort) with(name string, headers ...string) []attempt {
	return []attempt{
		{name + ": read", request("GET", "/vault/gold", "", headers...)},
		{name + ": write", request("PUT", "/vault/forged", "{}", append([]string{"Content-Type: application/json"}, headers...)...)},
		{name + ": list", request("GET", "/_all_dbs", "", headers...)},
	}
}

// mustOpen wants headers to log bob in: the ones that are made wrong are
// otherwise right.
func (f *fort) mustOpen(headers ...string) {
	f.t.Helper()
	if a := f.ask(request("GET", "/vault/gold", "", headers...)); a.status != http.StatusOK {
		f.t.Fatalf("%v: %d %s", headers, a.status, a.body)
	}
}

// salt returns the salt of a user's password.
func (f *fort) salt(name string) string {
	f.t.Helper()
	return f.must("GET", "/_users/org.couchdb.user:"+name, "")["salt"].(string)
}

func TestForgedCookies(t *testing.T) {
	t.Parallel()
	f := newFort(t)
	f.configure("chttpd_auth/secret", secret)
	now, salt := time.Now().Unix(), f.salt("bob")
	good := cookie{"bob", now, secret + salt, sha256.New}
	f.mustOpen(good.header())
	f.mustOpen(cookie{"bob", now, secret + salt, sha1.New}.header()) // CouchDB takes both
	eves := cookie{"eve", now, secret + f.salt("eve"), sha256.New}
	text := func(name string, issued int64, mac string) string {
		return cookieHeader(fmt.Sprintf("%s:%X:%s", name, issued, mac))
	}
	for name, header := range map[string]string{
		"another secret":            cookie{"bob", now, "x" + salt, sha256.New}.header(),
		"no secret":                 cookie{"bob", now, salt, sha256.New}.header(),
		"no salt":                   cookie{"bob", now, secret, sha256.New}.header(),
		"no key":                    cookie{"bob", now, "", sha256.New}.header(),
		"the salt of another":       cookie{"bob", now, secret + f.salt("eve"), sha256.New}.header(),
		"administrator, no salt":    cookie{"admin", now, secret, sha256.New}.header(),
		"administrator, a salt":     cookie{"admin", now, secret + salt, sha256.New}.header(),
		"the name of another":       text("bob", now, eves.mac()),
		"the administrator's name":  text("admin", now, good.mac()),
		"another time":              text("bob", now+1, good.mac()),
		"no signature":              text("bob", now, ""),
		"half a signature":          text("bob", now, good.mac()[:16]),
		"more than a signature":     text("bob", now, good.mac()+"x"),
		"a signature of zeros":      text("bob", now, strings.Repeat("\x00", 32)),
		"a signature in hex":        text("bob", now, fmt.Sprintf("%x", good.mac())),
		"expired":                   cookie{"bob", now - 601, secret + salt, sha256.New}.header(),
		"expired long ago":          cookie{"bob", 0, secret + salt, sha256.New}.header(),
		"a time before all":         cookie{"bob", -now, secret + salt, sha256.New}.header(),
		"from the future":           cookie{"bob", now + 3600, secret + salt, sha256.New}.header(),
		"a time that overflows":     cookieHeader("bob:7FFFFFFFFFFFFFFF:" + good.mac()),
		"a time beyond 64 bits":     cookieHeader("bob:FFFFFFFFFFFFFFFFFF:" + good.mac()),
		"no time":                   cookieHeader("bob::" + good.mac()),
		"a name only":               cookieHeader("bob"),
		"nobody's name":             cookie{"mallory", now, secret, sha256.New}.header(),
		"no name":                   cookie{"", now, secret, sha256.New}.header(),
		"nothing":                   "Cookie: AuthSession=",
		"no base64":                 "Cookie: AuthSession=!!!",
		"the id of a document":      cookie{"org.couchdb.user:bob", now, secret + salt, sha256.New}.header(),
		"another cookie":            strings.Replace(good.header(), "AuthSession", "Authsession", 1),
		"another cookie, prefixed":  strings.Replace(good.header(), "AuthSession", "xAuthSession", 1),
		"as a header of its own":    strings.Replace(good.header(), "Cookie: AuthSession=", "AuthSession: ", 1),
		"as a bearer":               strings.Replace(good.header(), "Cookie: AuthSession=", "Authorization: Bearer ", 1),
		"eve's, then one that lies": eves.header() + "; " + text("bob", now, eves.mac())[len("Cookie: "):],
		"one that lies, then eve's": text("bob", now, eves.mac()) + "; " + eves.header()[len("Cookie: "):],
	} {
		f.refused(f.with(name, header)...)
	}
}

// TestCookiesEnd wants a cookie to count no longer than its account is as it was.
func TestCookiesEnd(t *testing.T) {
	t.Parallel()
	f := newFort(t)
	login := func() string {
		a := f.ask(request("POST", "/_session", fmt.Sprintf(`{"name":"bob","password":"%s"}`, bob.password), "Content-Type: application/json"))
		value, _, _ := strings.Cut(a.header.Get("Set-Cookie"), ";")
		if a.status != http.StatusOK || value == "" {
			t.Fatalf("logging in: %d %s", a.status, a.body)
		}
		for _, attribute := range []string{"HttpOnly", "Path=/"} {
			if !strings.Contains(a.header.Get("Set-Cookie"), attribute) {
				t.Errorf("the cookie is %q", a.header.Get("Set-Cookie"))
			}
		}
		return "Cookie: " + value
	}
	first := login()
	f.mustOpen(first)
	doc := f.must("GET", "/_users/org.couchdb.user:bob", "")
	f.must("PUT", "/_users/org.couchdb.user:bob", fmt.Sprintf(`{"_rev":"%s","name":"bob","password":"%s","roles":[],"type":"user"}`, doc["_rev"], bob.password))
	f.refused(f.with("before the password was set anew", first)...)

	second := login()
	f.mustOpen(second)
	f.configure("chttpd_auth/secret", "another")
	f.refused(f.with("before the secret was changed", second)...)

	third := login()
	f.mustOpen(third)
	doc = f.must("GET", "/_users/org.couchdb.user:bob", "")
	f.must("DELETE", fmt.Sprintf("/_users/org.couchdb.user:bob?rev=%s", doc["_rev"]), "")
	f.refused(f.with("before the account was deleted", third)...)
	f.refused(f.with("the password of the account", bob.headers()...)...)
	f.must("PUT", "/_users/org.couchdb.user:bob", `{"name":"bob","password":"a new one","roles":[],"type":"user"}`)
	f.refused(f.with("of the account before", third)...)

	f.configure("chttpd_auth/timeout", "0")
	if a := f.ask(request("POST", "/_session", `{"name":"eve","password":"eves-password"}`, "Content-Type: application/json")); a.status == http.StatusOK {
		value, _, _ := strings.Cut(a.header.Get("Set-Cookie"), ";")
		if a := f.ask(request("GET", "/lobby", "", "Cookie: "+value)); a.status < 400 {
			t.Errorf("a cookie that lasts no time is answered by %d %s", a.status, a.body)
		}
	}
}

// TestForgedProxies has the headers of a proxy without the token that proves it.
func TestForgedProxies(t *testing.T) {
	t.Parallel()
	f := newFort(t)
	f.configure("chttpd_auth/secret", secret)
	f.configure("chttpd_auth/proxy_use_secret", "true")
	f.configure("chttpd/authentication_handlers", "{chttpd_auth, proxy_authentication_handler}, {chttpd_auth, cookie_authentication_handler}, {chttpd_auth, default_authentication_handler}")
	token := func(name, key string) string {
		mac := hmac.New(sha256.New, []byte(key))
		mac.Write([]byte(name))
		return fmt.Sprintf("X-Auth-CouchDB-Token: %x", mac.Sum(nil))
	}
	const user, roles = "X-Auth-CouchDB-UserName: bob", "X-Auth-CouchDB-Roles: _admin"
	f.mustOpen(user, token("bob", secret))
	for name, headers := range map[string][]string{
		"no token":                    {user},
		"an empty token":              {user, "X-Auth-CouchDB-Token:"},
		"no hexadecimal":              {user, "X-Auth-CouchDB-Token: zz"},
		"a token of zeros":            {user, "X-Auth-CouchDB-Token: " + strings.Repeat("0", 64)},
		"half a token":                {user, token("bob", secret)[:54]},
		"an empty secret":             {user, token("bob", "")},
		"another secret":              {user, token("bob", "x")},
		"the token of another":        {user, token("eve", secret)},
		"the administrator":           {"X-Auth-CouchDB-UserName: admin", roles, token("bob", secret)},
		"two names, the first proven": {"X-Auth-CouchDB-UserName: admin", user, roles, token("bob", secret)},
		"roles only":                  {roles},
		"roles and an empty name":     {"X-Auth-CouchDB-UserName:", roles, token("", secret)},
		"the name in another case":    {"X-Auth-CouchDB-UserName: Bob", token("bob", secret)},
		"underscores":                 {"X_Auth_CouchDB_UserName: bob", "X_Auth_CouchDB_Token: " + token("bob", secret)[22:]},
	} {
		f.refused(f.with(name, headers...)...)
		f.refused(f.with(name+", with roles", append(headers, roles)...)...)
		f.refused(f.with(name+", by eve", append(eve.headers(), headers...)...)...)
	}
}
