package auth_test

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"settle/server/auth"
	"settle/server/config"
	"settle/server/web"
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

func open(t testing.TB, s *settings, user, password string) (*auth.Auth, *config.Config) {
	t.Helper()
	conf, err := config.Open(context.Background(), s)
	if err != nil {
		t.Fatal(err)
	}
	a, err := auth.Open(context.Background(), auth.Options{
		Settings: s, Config: conf, User: user, Password: password,
		Announce: func(user, password string) error { return errors.New("nothing to announce") },
	})
	if err != nil {
		t.Fatal(err)
	}
	return a, conf
}

func handler(a *auth.Auth, conf *config.Config) http.Handler {
	up := []web.Route{{Method: "GET", Path: "/_up", Handler: func(r *web.Request) error { return r.WriteOK(200) }}}
	return web.NewHandler(web.Options{
		Authenticate: a.Authenticate, Limits: conf.Limits, Logger: slog.New(slog.DiscardHandler),
	}, a.Routes(), up)
}

func request(method, target, body string, header ...string) *http.Request {
	req := httptest.NewRequest(method, target, strings.NewReader(body))
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	return req
}

func basic(text string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(text))
}

func do(h http.Handler, req *http.Request) (*http.Response, string) {
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, req)
	body, _ := io.ReadAll(rec.Result().Body)
	return rec.Result(), strings.TrimSuffix(string(body), "\n")
}

const (
	asAdmin   = `{"ok":true,"userCtx":{"name":"admin","roles":["_admin"]},"info":{"authentication_handlers":["cookie","default"],"authenticated":"default"}}`
	asCookie  = `{"ok":true,"userCtx":{"name":"admin","roles":["_admin"]},"info":{"authentication_handlers":["cookie","default"],"authenticated":"cookie"}}`
	anonymous = `{"ok":true,"userCtx":{"name":null,"roles":[]},"info":{"authentication_handlers":["cookie","default"]}}`
	incorrect = `{"error":"unauthorized","reason":"Name or password is incorrect."}`
)

func TestBasic(t *testing.T) {
	a, conf := open(t, stored(t), "", "")
	h := handler(a, conf)
	for range 2 { // the second time from memory
		for header, want := range map[string]string{
			"":                                 anonymous,
			basic("admin:pass"):                asAdmin,
			basic("admin:passe"):               incorrect,
			basic("admin:"):                    incorrect,
			basic("Admin:pass"):                incorrect,
			basic("nobody:pass"):               incorrect,
			basic("admin"):                     anonymous,
			basic("_:_"):                       anonymous,
			"b" + basic("admin:pass")[1:]:      anonymous,
			"Bearer x":                         anonymous,
			"Basic !":                          `{"error":"bad_request","reason":"Authorization header has invalid base64 value"}`,
			basic("admin:pass") + "  ":         asAdmin,
			"Basic " + basic("admin:pass")[6:]: asAdmin,
		} {
			res, body := do(h, request("GET", "/_session", "", "Authorization", header))
			if body != want || res.Header.Get("WWW-Authenticate") != "" {
				t.Errorf("%q: %s %v", header, body, res.Header)
			}
		}
	}
}

func TestLoginByCookie(t *testing.T) {
	a, conf := open(t, stored(t), "", "")
	h := handler(a, conf)
	form, js := "application/x-www-form-urlencoded", "application/json"
	tests := []struct {
		query, contentType, body string
		status                   int
		want                     string
	}{
		{"", form, "name=admin&password=pass", 200, `{"ok":true,"name":"admin","roles":["_admin"]}`},
		{"", form + "; charset=utf-8", "username=admin&password=pass", 200, `{"ok":true,"name":"admin","roles":["_admin"]}`},
		{"", js, `{"name":"admin","password":"pass"}`, 200, `{"ok":true,"name":"admin","roles":["_admin"]}`},
		{"", js, `{"username":"admin","password":"pass"}`, 200, `{"ok":true,"name":"admin","roles":["_admin"]}`},
		{"?next=/alpha", js, `{"name":"admin","password":"pass"}`, 302, `{"ok":true}`},
		{"?next=http://evil", js, `{"name":"admin","password":"pass"}`, 400, `{"error":"bad_request","reason":"redirect path must begin with \"/\""}`},
		{"?fail=/no", js, `{"name":"admin","password":"no"}`, 302, `{"ok":true}`},
		{"", js, `{"name":"admin","password":"no"}`, 401, incorrect},
		{"", js, `{"name":"admin"}`, 401, incorrect},
		{"", js, `{"password":"pass"}`, 400, `{"error":"bad_request","reason":"request body must contain a username"}`},
		{"", js, `{"name":5,"password":"pass"}`, 400, "{\"error\":\"bad_request\",\"reason\":\"`name` has the wrong type\"}"},
		{"", js, `[]`, 400, `{"error":"bad_request","reason":"Request body must be a JSON object"}`},
		{"", js, `{`, 400, `{"error":"bad_request","reason":"invalid UTF-8 JSON"}`},
		{"", "text/plain", `{}`, 415, `{"error":"bad_content_type","reason":"Content-Type must be application/json"}`},
		{"", js, `{"name":"` + strings.Repeat("n", 70_000) + `"}`, 413, `{"error":"too_large","reason":"the request entity is too large"}`},
	}
	for _, tt := range tests {
		res, body := do(h, request("POST", "/_session"+tt.query, tt.body, "Content-Type", tt.contentType))
		if res.StatusCode != tt.status || body != tt.want {
			t.Errorf("%s %.60s: %d %s", tt.query, tt.body, res.StatusCode, body)
		}
		cookie := res.Header.Get("Set-Cookie")
		if tt.status == 200 {
			form := regexp.MustCompile(`^AuthSession=[\w-]+; Version=1; Expires=\w{3}, \d\d-\w{3}-\d{4} [\d:]{8} GMT; Max-Age=600; Path=/; HttpOnly$`)
			if !form.MatchString(cookie) {
				t.Errorf("%s: cookie %q", tt.body, cookie)
			}
			value, _, _ := strings.Cut(cookie, ";")
			if _, body := do(h, request("GET", "/_session", "", "Cookie", "a=b; "+value, "Authorization", basic("admin:wrong"))); body != asCookie {
				t.Errorf("with the cookie: %s", body)
			}
		}
		if tt.status == 401 && !strings.HasPrefix(cookie, "AuthSession=; Version=1; ") {
			t.Errorf("%s: cookie %q", tt.body, cookie)
		}
		if location := res.Header.Get("Location"); tt.status == 302 && !strings.HasPrefix(location, "http://example.com/") {
			t.Errorf("%s: location %q", tt.query, location)
		}
	}
}

func TestBadCookies(t *testing.T) {
	a, conf := open(t, stored(t), "", "")
	h := handler(a, conf)
	res, _ := do(h, request("POST", "/_session", "name=admin&password=pass", "Content-Type", "application/x-www-form-urlencoded"))
	good, _, _ := strings.Cut(strings.TrimPrefix(res.Header.Get("Set-Cookie"), "AuthSession="), ";")
	last := "A"
	if strings.HasSuffix(good, "A") {
		last = "E"
	}
	for value, want := range map[string]string{
		good:                      asCookie,
		"":                        anonymous,
		good[:len(good)-1] + last: anonymous,
		auth.NewToken("admin", time.Now().Unix(), "guess", "salt"):  anonymous,
		auth.NewToken("nobody", time.Now().Unix(), "guess", "salt"): anonymous,
		"bad": `{"error":"bad_request","reason":"Malformed AuthSession cookie. Please clear your cookies."}`,
	} {
		if _, body := do(h, request("GET", "/_session", "", "Cookie", "AuthSession="+value)); body != want {
			t.Errorf("%q: %s", value, body)
		}
	}
	res, body := do(h, request("DELETE", "/_session", "", "Cookie", "AuthSession="+good))
	if body != `{"ok":true}` || !strings.HasPrefix(res.Header.Get("Set-Cookie"), "AuthSession=; ") {
		t.Errorf("log-out: %s %v", body, res.Header)
	}
	if err := a.SetPassword(t.Context(), "admin", "other"); err != nil {
		t.Fatal(err)
	}
	if _, body := do(h, request("GET", "/_session", "", "Cookie", "AuthSession="+good)); body != anonymous {
		t.Errorf("after a new password: %s", body)
	}
	if _, body := do(h, request("GET", "/_session", "", "Authorization", basic("admin:pass"))); body != incorrect {
		t.Errorf("the old password: %s", body)
	}
}

func TestCookieRunsOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, conf := open(t, stored(t), "", "")
		h := handler(a, conf)
		set := func(id config.ID, value string) {
			if _, err := conf.Set(context.Background(), id, value, true); err != nil {
				t.Fatal(err)
			}
		}
		set(config.SessionTimeout, "100")
		set(config.SameSite, "Strict")
		set(config.Secret, "configured")
		login := request("POST", "/_session", "name=admin&password=pass", "Content-Type", "application/x-www-form-urlencoded")
		res, _ := do(h, login)
		cookie := res.Header.Get("Set-Cookie")
		if !strings.Contains(cookie, "; Max-Age=100; Path=/; HttpOnly; SameSite=Strict") {
			t.Errorf("cookie %q", cookie)
		}
		value, _, _ := strings.Cut(cookie, ";")
		for _, tt := range []struct {
			wait    time.Duration
			want    string
			renewed bool
		}{{5 * time.Second, asCookie, false}, {10 * time.Second, asCookie, true}, {84 * time.Second, asCookie, true}, {time.Second, anonymous, false}} {
			time.Sleep(tt.wait)
			res, body := do(h, request("GET", "/_session", "", "Cookie", value))
			if body != tt.want || (res.Header.Get("Set-Cookie") != "") != tt.renewed {
				t.Errorf("%v later: %s %v", tt.wait, body, res.Header)
			}
		}
		set(config.AllowPersistentCookies, "false")
		res, _ = do(h, request("DELETE", "/_session", ""))
		if got := res.Header.Get("Set-Cookie"); got != "AuthSession=; Version=1; Path=/; HttpOnly; SameSite=Strict" {
			t.Errorf("cookie %q", got)
		}
	})
}

func TestRequireValidUser(t *testing.T) {
	a, conf := open(t, stored(t), "", "")
	h := handler(a, conf)
	const closed = `{"error":"unauthorized","reason":"Authentication required."}`
	check := func(req *http.Request, want string, challenged bool) {
		t.Helper()
		res, body := do(h, req)
		if body != want || (res.Header.Get("WWW-Authenticate") == `Basic realm="server"`) != challenged {
			t.Errorf("%s %s: %s %v", req.Method, req.URL, body, res.Header)
		}
	}
	conf.Set(t.Context(), config.RequireValidUser, "true", true)
	check(request("GET", "/_session", ""), closed, true)
	check(request("GET", "/_up", ""), closed, true)
	check(request("DELETE", "/_session", ""), closed, true)
	check(request("GET", "/_up", "", "Authorization", basic("admin:no")), incorrect, true)
	check(request("GET", "/_up", "", "Authorization", basic("admin:pass")), `{"ok":true}`, false)
	check(request("POST", "/_session", "name=admin&password=pass", "Content-Type", "application/x-www-form-urlencoded"),
		`{"ok":true,"name":"admin","roles":["_admin"]}`, false)
	conf.Set(t.Context(), config.RequireValidUser, "false", true)
	conf.Set(t.Context(), config.RequireValidUserButUp, "true", true)
	check(request("GET", "/_up", ""), `{"ok":true}`, false)
	check(request("GET", "/_session", ""), closed, false)
	check(request("GET", "/_session?basic=true", "", "X-CouchDB-WWW-Authenticate", `Basic realm="server"`), closed, true)
}

func TestFirstStart(t *testing.T) {
	s := &settings{values: map[string][]byte{}}
	conf, err := config.Open(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	var shown []string
	o := auth.Options{Settings: s, Config: conf, Announce: func(user, password string) error {
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
	a, conf := open(t, s, "", "")
	if _, body := do(handler(a, conf), request("GET", "/_session", "", "Authorization", basic(shown[0]))); body != asAdmin {
		t.Error(body)
	}
}

func TestAnnounceFails(t *testing.T) {
	s := &settings{values: map[string][]byte{}}
	conf, _ := config.Open(t.Context(), s)
	broken := errors.New("broken pipe")
	_, err := auth.Open(t.Context(), auth.Options{Settings: s, Config: conf, Announce: func(string, string) error { return broken }})
	if !errors.Is(err, broken) || s.values["admins"] != nil {
		t.Errorf("%v, stored %s", err, s.values["admins"])
	}
}

func TestEnvironmentOutranks(t *testing.T) {
	s := stored(t)
	before := string(s.values["admins"])
	a, conf := open(t, s, "root", "toor")
	h := handler(a, conf)
	if _, body := do(h, request("GET", "/_session", "", "Authorization", basic("root:toor"))); !strings.Contains(body, `"name":"root"`) {
		t.Error(body)
	}
	if _, body := do(h, request("GET", "/_session", "", "Authorization", basic("admin:pass"))); body != incorrect {
		t.Error(body)
	}
	if names := a.Names(); len(names) != 1 || names[0] != "root" {
		t.Error(names)
	}
	if string(s.values["admins"]) != before {
		t.Error("the stored administrator has changed")
	}
	for _, half := range []auth.Options{{User: "root"}, {Password: "toor"}, {User: "a:b", Password: "c"}} {
		half.Settings, half.Config = s, conf
		if _, err := auth.Open(t.Context(), half); err == nil {
			t.Errorf("%+v was taken", half.User)
		}
	}
}

func TestChangingAdmins(t *testing.T) {
	s := stored(t)
	a, _ := open(t, s, "", "")
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
	again, _ := open(t, s, "", "")
	if names := again.Names(); len(names) != 1 || names[0] != "ida" {
		t.Error(names)
	}
}

func TestDamagedAdmins(t *testing.T) {
	for _, text := range []string{"", "{", "[]", `{"admin":5}`, `{"admin":"pass"}`} {
		s := &settings{values: map[string][]byte{"admins": []byte(text)}}
		conf, _ := config.Open(t.Context(), s)
		if _, err := auth.Open(t.Context(), auth.Options{Settings: s, Config: conf}); !errors.Is(err, couch.ErrCorrupt) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func BenchmarkBasic(b *testing.B) {
	a, _ := open(b, &settings{values: map[string][]byte{}}, "admin", "pass")
	req := request("GET", "/", "", "Authorization", basic("admin:pass"))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := a.Authenticate(req); err != nil {
			b.Fatal(err)
		}
	}
}
