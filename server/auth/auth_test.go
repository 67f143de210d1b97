package auth_test

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"settle/server/auth"
	"settle/storage/couch"
)

// settings is a store of settings that can fail.
type settings struct {
	values map[string][]byte
	fail   error
}

func (s *settings) Setting(_ context.Context, key string) ([]byte, error) {
	return s.values[key], nil
}

func (s *settings) SetSetting(_ context.Context, key string, value []byte) error {
	if s.fail == nil {
		s.values[key] = value
	}
	return s.fail
}

// stored returns settings with an administrator admin:pass, cheap to verify.
func stored(t testing.TB) *settings {
	t.Helper()
	hash, err := auth.Derive("pass", "salt", 10)
	if err != nil {
		t.Fatal(err)
	}
	return &settings{values: map[string][]byte{"admins": []byte(`{"admin":"` + hash.Text() + `"}`)}}
}

// policies returns a changeable policy with CouchDB's standards.
func policies() *auth.Policy {
	return &auth.Policy{
		SessionTimeout: 600 * time.Second, Persistent: true, Iterations: 10,
		Lockout: auth.Lockout{Off: true},
	}
}

func policy() auth.Policy { return *policies() }

func open(t testing.TB, s *settings, p *auth.Policy) *auth.Auth {
	t.Helper()
	a, err := auth.Open(context.Background(), auth.Options{
		Settings: s, Policy: func() auth.Policy { return *p },
		Announce: func(user, password string) error { return errors.New("nothing to announce") },
	})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// request returns one whose path is prepared as for routing.
func request(method, path string, header ...string) *http.Request {
	req := httptest.NewRequest(method, path, nil)
	req.URL.RawPath = path
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	return req
}

// cookieOf logs in and returns the Set-Cookie header.
func cookieOf(t testing.TB, a *auth.Auth, name, password string) string {
	t.Helper()
	req := request("POST", "/_session")
	s, err := a.Login(req, auth.Credentials{Name: name, Password: password})
	if err != nil {
		t.Fatal(err)
	}
	return a.Cookie(req, s)
}

func basic(text string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(text))
}

// who says in a line what became of a request.
func who(a *auth.Auth, req *http.Request) string {
	s, err := a.Authenticate(req)
	switch {
	case err != nil:
		return err.Error()
	case s.Handler == "" && s.User.Name == "" && len(s.User.Roles) == 0:
		return "anonymous"
	case s.User.Name == "" || s.Handler == "":
		return "somebody odd"
	}
	who := s.User.Name + " by " + s.Handler
	if !slices.Equal(s.User.Roles, []string{"_admin"}) {
		who += " as " + strings.Join(s.User.Roles, ",")
	}
	return who
}

const (
	incorrect = "Name or password is incorrect."
	malformed = "Malformed AuthSession cookie. Please clear your cookies."
	closed    = "Authentication required."
)

func TestBasic(t *testing.T) {
	a := open(t, stored(t), policies())
	for range 2 { // the second time from memory
		for header, want := range map[string]string{
			"":                            "anonymous",
			basic("admin:pass"):           "admin by default",
			basic("admin:pass") + "  ":    "admin by default",
			basic("admin:passe"):          incorrect,
			basic("admin:"):               incorrect,
			basic(":pass"):                incorrect,
			basic("Admin:pass"):           incorrect,
			basic("nobody:pass"):          incorrect,
			basic("admin"):                "anonymous",
			basic("_:_"):                  "anonymous",
			"b" + basic("admin:pass")[1:]: "anonymous",
			"Bearer x":                    "anonymous",
			"Basic !":                     "Authorization header has invalid base64 value",
		} {
			if got := who(a, request("GET", "/", "Authorization", header)); got != want {
				t.Errorf("%q: %s, want %s", header, got, want)
			}
		}
	}
}

func TestCookies(t *testing.T) {
	a := open(t, stored(t), policies())
	header := cookieOf(t, a, "admin", "pass")
	form := regexp.MustCompile(`^AuthSession=([\w-]+); Version=1; Expires=\w{3}, \d\d-\w{3}-\d{4} [\d:]{8} GMT; Max-Age=600; Path=/; HttpOnly$`)
	match := form.FindStringSubmatch(header)
	if match == nil {
		t.Fatalf("cookie %q", header)
	}
	good := match[1]
	middle := "A" // of the HMAC
	if good[len(good)-9:len(good)-8] == "A" {
		middle = "B"
	}
	for value, want := range map[string]string{
		good:        "admin by cookie",
		good + "==": "admin by cookie",
		"":          "anonymous",
		"bad":       malformed,
		good[:len(good)-9] + middle + good[len(good)-8:]: "anonymous",
		good[:len(good)-8]: "anonymous",
		auth.NewToken("admin", time.Now().Unix(), "guess", "salt"):  "anonymous",
		auth.NewToken("nobody", time.Now().Unix(), "guess", "salt"): "anonymous",
		auth.NewToken("admin", time.Now().Unix(), "", ""):           "anonymous",
	} {
		if got := who(a, request("GET", "/", "Cookie", "a=b; AuthSession="+value)); got != want {
			t.Errorf("%q: %s, want %s", value, got, want)
		}
	}
	both := func(cookie, pair string) string {
		return who(a, request("GET", "/", "Cookie", "AuthSession="+cookie, "Authorization", basic(pair)))
	}
	if got := both(good, "admin:wrong"); got != "admin by cookie" {
		t.Errorf("beside a wrong Basic: %s", got)
	}
	if got := both(auth.NewToken("admin", 0, "guess", "salt"), "admin:pass"); got != "admin by default" {
		t.Errorf("a wrong cookie beside a right Basic: %s", got)
	}
	if err := a.SetPassword(t.Context(), "admin", "other"); err != nil {
		t.Fatal(err)
	}
	if got := both(good, "admin:pass"); got != incorrect {
		t.Errorf("after a new password: %s", got)
	}
}

func TestCookieRunsOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		policy := policies()
		policy.SessionTimeout, policy.SameSite, policy.CookieDomain = 100*time.Second, "Strict", "example.org"
		a := open(t, stored(t), policy)
		cookie := cookieOf(t, a, "admin", "pass")
		if !strings.HasSuffix(cookie, "; Max-Age=100; Domain=example.org; Path=/; HttpOnly; SameSite=Strict") {
			t.Errorf("cookie %q", cookie)
		}
		value, _, _ := strings.Cut(cookie, ";")
		for _, step := range []struct {
			wait    time.Duration
			want    string
			renewed bool
		}{{5 * time.Second, "cookie", false}, {10 * time.Second, "cookie", true}, {84 * time.Second, "cookie", true}, {time.Second, "", false}} {
			time.Sleep(step.wait)
			s, err := a.Authenticate(request("GET", "/", "Cookie", value))
			if err != nil || s.Handler != step.want || (s.Renewed != "") != step.renewed {
				t.Errorf("%v later: %+v %v", step.wait, s, err)
			}
		}
		policy.Persistent = false
		if got := a.NoCookie(request("GET", "/")); got != "AuthSession=; Version=1; Domain=example.org; Path=/; HttpOnly; SameSite=Strict" {
			t.Errorf("cookie %q", got)
		}
		fresh, _, _ := strings.Cut(cookieOf(t, a, "admin", "pass"), ";")
		policy.Secret = "configured"
		if got := who(a, request("GET", "/", "Cookie", fresh)); got != "anonymous" {
			t.Errorf("with another secret: %s", got)
		}
	})
}

func TestRequireUser(t *testing.T) {
	policy := policies()
	a := open(t, stored(t), policy)
	check := func(req *http.Request, want string) {
		t.Helper()
		if got := who(a, req); got != want {
			t.Errorf("%s %s: %s, want %s", req.Method, req.URL, got, want)
		}
	}
	challenge := func(req *http.Request, want string) {
		t.Helper()
		if got := a.Challenge(req); got != want {
			t.Errorf("challenge %q, want %q", got, want)
		}
	}
	challenge(request("GET", "/"), "")
	policy.RequireUser = true
	check(request("GET", "/_session"), closed)
	check(request("GET", "/_up"), closed)
	check(request("DELETE", "/_session"), closed)
	check(request("POST", "/_session"), "anonymous")
	check(request("GET", "/_up", "Authorization", basic("admin:no")), incorrect)
	check(request("GET", "/_up", "Authorization", basic("admin:pass")), "admin by default")
	challenge(request("GET", "/"), `Basic realm="server"`)
	challenge(request("GET", "/", "X-CouchDB-WWW-Authenticate", "Cookie"), "Cookie")
	policy.RequireUser, policy.RequireUserButUp = false, true
	check(request("GET", "/_up"), "anonymous")
	check(request("GET", "/_session"), closed)
	challenge(request("GET", "/"), "")
}

func TestFirstStart(t *testing.T) {
	s := &settings{values: map[string][]byte{}}
	var shown []string
	o := auth.Options{Settings: s, Policy: policy, Announce: func(user, password string) error {
		shown = append(shown, user+":"+password)
		return nil
	}}
	for range 2 { // the second start makes nothing
		if _, err := auth.Open(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	if len(shown) != 1 || !strings.HasPrefix(shown[0], "admin:") || len(shown[0]) < 24 {
		t.Fatalf("announced %d times", len(shown))
	}
	password := strings.TrimPrefix(shown[0], "admin:")
	for key, value := range s.values {
		if strings.Contains(string(value), password) {
			t.Errorf("setting %s holds the password", key)
		}
	}
	if got := who(open(t, s, policies()), request("GET", "/", "Authorization", basic(shown[0]))); got != "admin by default" {
		t.Error(got)
	}
}

func TestAnnounceFails(t *testing.T) {
	s := &settings{values: map[string][]byte{}}
	broken := errors.New("broken pipe")
	_, err := auth.Open(t.Context(), auth.Options{Settings: s, Policy: policy, Announce: func(string, string) error { return broken }})
	if !errors.Is(err, broken) || s.values["admins"] != nil {
		t.Errorf("%v, stored %s", err, s.values["admins"])
	}
}

// outside returns options with administrators that the environment and a file name.
func outside(s *settings) auth.Options {
	return auth.Options{
		Settings: s, Policy: policy, User: "admin", Password: "env",
		Admins: map[string]string{"admin": "file", "root": "toor"},
	}
}

func TestGivenAdminsOutrank(t *testing.T) {
	s := stored(t)
	if err := open(t, s, policies()).SetPassword(t.Context(), "ida", "x"); err != nil {
		t.Fatal(err)
	}
	before := string(s.values["admins"])
	a, err := auth.Open(t.Context(), outside(s))
	if err != nil {
		t.Fatal(err)
	}
	for pair, want := range map[string]string{
		"admin:env": "admin by default", "admin:file": incorrect, "admin:pass": incorrect, "root:toor": "root by default", "ida:x": "ida by default",
	} {
		if got := byBasic(a, pair); got != want {
			t.Errorf("%s: %s, want %s", pair, got, want)
		}
	}
	if names := a.Names(); !slices.Equal(names, []string{"admin", "ida", "root"}) {
		t.Error(names)
	}
	if string(s.values["admins"]) != before {
		t.Error("the stored administrators have changed")
	}
	if got := byBasic(open(t, s, policies()), "admin:pass"); got != "admin by default" {
		t.Errorf("without the environment: %s", got)
	}
}

func TestChangingGivenAdmins(t *testing.T) {
	s := stored(t)
	a, err := auth.Open(t.Context(), outside(s))
	if err != nil {
		t.Fatal(err)
	}
	before := string(s.values["admins"])
	for _, step := range []struct {
		err  error
		want string
	}{
		{a.SetPassword(t.Context(), "admin", "new"), "COUCHDB_USER"},
		{a.SetPassword(t.Context(), "root", "new"), "the configuration file"},
		{a.Remove(t.Context(), "admin"), "COUCHDB_USER"},
		{a.Remove(t.Context(), "root"), "the configuration file"},
	} {
		if !errors.Is(step.err, &couch.Error{Kind: couch.Forbidden}) || !strings.Contains(step.err.Error(), step.want) {
			t.Errorf("the error is %v, want one with %s", step.err, step.want)
		}
	}
	if string(s.values["admins"]) != before {
		t.Error("a refusal changed the stored administrators")
	}
	for name, password := range map[string]string{"admin": "env", "ida": "new"} {
		if err := a.SetPassword(t.Context(), name, password); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := byBasic(a, "ida:new"); got != "ida by default" {
		t.Errorf("the new administrator: %s", got)
	}
	if got := byBasic(open(t, s, policies()), "admin:env"); got != "admin by default" {
		t.Errorf("the given password, stored: %s", got)
	}
	for _, name := range []string{"ida"} {
		if err := a.Remove(t.Context(), name); err != nil {
			t.Errorf("removing %s: %v", name, err)
		}
	}
	if got := byBasic(a, "ida:new"); got != incorrect {
		t.Errorf("the removed administrator: %s", got)
	}
}

func TestGivenHashes(t *testing.T) {
	one, _ := auth.Derive("env", "salt", 10)
	other, _ := auth.Derive("env", "pepper", 10)
	o := outside(stored(t))
	o.Password = one.Text()
	a, err := auth.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if got := byBasic(a, "admin:env"); got != "admin by default" {
		t.Error(got)
	}
	if err := a.SetPassword(t.Context(), "admin", one.Text()); err != nil {
		t.Errorf("the same hash: %v", err)
	}
	if err := a.SetPassword(t.Context(), "admin", other.Text()); !errors.Is(err, &couch.Error{Kind: couch.Forbidden}) {
		t.Errorf("another hash: %v", err)
	}
}

func TestBadGivenAdmins(t *testing.T) {
	for _, bad := range []auth.Options{
		{User: "root"}, {Password: "toor"}, {User: "a:b", Password: "c"},
		{Admins: map[string]string{"a:b": "hunter2"}}, {Admins: map[string]string{"ida": ""}}, {Admins: map[string]string{"ida": "-pbkdf2-hunter2"}},
	} {
		bad.Settings, bad.Policy = stored(t), policy
		if _, err := auth.Open(t.Context(), bad); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%+v: %v", bad.Admins, err)
		}
	}
}

func TestChangingAdmins(t *testing.T) {
	s := stored(t)
	a := open(t, s, policies())
	bad := &couch.Error{Kind: couch.BadRequest}
	for _, pair := range [][2]string{{"", "x"}, {"a:b", "x"}, {"ida", ""}, {"ida", "-pbkdf2-x"}} {
		if err := a.SetPassword(t.Context(), pair[0], pair[1]); !errors.Is(err, bad) {
			t.Errorf("%q: %v", pair, err)
		}
	}
	if err := a.Remove(t.Context(), "admin"); !errors.Is(err, &couch.Error{Kind: couch.Forbidden}) {
		t.Errorf("removing the last one: %v", err)
	}
	if err := a.Remove(t.Context(), "ida"); !errors.Is(err, couch.ErrNotFound) {
		t.Errorf("removing nobody: %v", err)
	}
	if err := a.SetPassword(t.Context(), "ida", "x"); err != nil {
		t.Fatal(err)
	}
	s.fail = errors.New("disk")
	if err := a.Remove(t.Context(), "admin"); !errors.Is(err, s.fail) || len(a.Names()) != 2 {
		t.Errorf("%v %v", err, a.Names())
	}
	s.fail = nil
	if err := a.Remove(t.Context(), "admin"); err != nil {
		t.Fatal(err)
	}
	again := open(t, s, policies())
	if names := again.Names(); len(names) != 1 || names[0] != "ida" {
		t.Error(names)
	}
}

func TestDamagedAdmins(t *testing.T) {
	for _, text := range []string{"", "{", "[]", `{"admin":5}`, `{"admin":"pass"}`} {
		s := &settings{values: map[string][]byte{"admins": []byte(text)}}
		if _, err := auth.Open(t.Context(), auth.Options{Settings: s, Policy: policy}); !errors.Is(err, couch.ErrCorrupt) {
			t.Errorf("%q: %v", text, err)
		}
	}
}
