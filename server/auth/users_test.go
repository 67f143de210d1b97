package auth_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"settle/server/auth"
	"settle/storage/couch"
)

// people is a source of users in memory.
type people struct {
	mu     sync.Mutex
	users  map[string]auth.User
	rehash int
	fail   error
}

func (p *people) User(_ context.Context, name string) (*auth.User, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	u, ok := p.users[name]
	if !ok || p.fail != nil {
		return nil, p.fail
	}
	return &u, nil
}

func (p *people) Rehash(_ context.Context, u *auth.User, hash auth.Hash) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rehash++
	if p.users[u.Name].Rev == u.Rev {
		changed := *u
		changed.Hash = hash
		changed.Rev.Gen++
		p.users[u.Name] = changed
	}
	return nil
}

// set makes a user, or changes one.
func (p *people) set(t testing.TB, name, password, salt string, roles ...string) {
	t.Helper()
	hash, err := auth.Derive(password, salt, 10)
	if err != nil {
		t.Fatal(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.users[name] = auth.User{Name: name, Hash: hash, Salt: salt, Roles: roles, Rev: couch.RevID{Gen: p.users[name].Rev.Gen + 1, Hash: "x"}}
}

func openWith(t testing.TB, p *auth.Policy) (*auth.Auth, *people) {
	t.Helper()
	users := &people{users: map[string]auth.User{}}
	users.set(t, "ida", "secret", "salt1", "team")
	a, err := auth.Open(context.Background(), auth.Options{
		Settings: stored(t), Users: users, Policy: func() auth.Policy { return *p },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	return a, users
}

func byBasic(a *auth.Auth, pair string) string {
	return who(a, request("GET", "/", "Authorization", basic(pair)))
}

func TestUsers(t *testing.T) {
	a, users := openWith(t, policies())
	value, _, _ := strings.Cut(cookieOf(t, a, "ida", "secret"), ";")
	byCookie := func() string { return who(a, request("GET", "/", "Cookie", value)) }
	step := func(what string, pairs ...string) {
		t.Helper()
		for i := 0; i < len(pairs); i += 2 {
			got := byCookie
			if pairs[i] != "cookie" {
				got = func() string { return byBasic(a, pairs[i]) }
			}
			for range 2 { // the second time from memory
				if got := got(); got != pairs[i+1] {
					t.Errorf("%s: %s: %s, want %s", what, pairs[i], got, pairs[i+1])
				}
			}
		}
	}
	step("at first", "ida:secret", "ida by default as team", "ida:Secret", incorrect, "cookie", "ida by cookie as team", "admin:pass", "admin by default")
	users.set(t, "ida", "secret", "salt1", "chief")
	step("other roles", "ida:secret", "ida by default as chief", "cookie", "ida by cookie as chief")
	users.set(t, "ida", "new", "salt1")
	step("new password, same salt", "ida:secret", incorrect, "ida:new", "ida by default as ", "cookie", "ida by cookie as ")
	users.set(t, "ida", "new", "salt2")
	step("new salt", "ida:new", "ida by default as ", "cookie", "anonymous")
	delete(users.users, "ida")
	step("gone", "ida:new", incorrect, "cookie", "anonymous")
	users.set(t, "admin", "other", "salt", "team")
	step("an administrator with a document", "admin:pass", "admin by default as _admin,team", "admin:other", incorrect)
	users.fail = errors.New("disk")
	step("no users", "ida:new", "disk", "cookie", "disk", "admin:pass", "admin by default")
}

func TestConflictedUser(t *testing.T) {
	a, users := openWith(t, policies())
	value, _, _ := strings.Cut(cookieOf(t, a, "ida", "secret"), ";")
	u := users.users["ida"]
	u.Conflicted = true
	users.users["ida"] = u
	const conflicts = "User document conflicts must be resolved before the document is used for authentication purposes."
	for range 2 {
		if got := byBasic(a, "ida:secret"); got != conflicts {
			t.Error(got)
		}
	}
	if got := byBasic(a, "ida:wrong"); got != incorrect {
		t.Error(got)
	}
	if got := who(a, request("GET", "/", "Cookie", value)); got != conflicts {
		t.Error(got)
	}
}

func TestUserWithoutPassword(t *testing.T) {
	a, users := openWith(t, policies())
	users.users["blank"] = auth.User{Name: "blank"}
	users.set(t, "empty", "", "salt")
	if got := byBasic(a, "blank:"); got != incorrect {
		t.Error(got)
	}
	if got := byBasic(a, "empty:"); got != "empty by default as " {
		t.Error(got)
	}
}

func TestWeakHashesAreRenewed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		policy := policies()
		policy.Iterations = 50
		a, users := openWith(t, policy)
		value, _, _ := strings.Cut(cookieOf(t, a, "ida", "secret"), ";")
		synctest.Wait()
		fields := users.users["ida"].Hash.Fields()
		if users.rehash != 1 || fields.Iterations != 50 || fields.Salt != "salt1" {
			t.Errorf("%d times, now %d iterations with salt %s", users.rehash, fields.Iterations, fields.Salt)
		}
		if got := who(a, request("GET", "/", "Cookie", value)); got != "ida by cookie as team" {
			t.Error(got)
		}
		for range 2 {
			if got := byBasic(a, "ida:secret"); got != "ida by default as team" {
				t.Error(got)
			}
		}
		byBasic(a, "ida:wrong")
		policy.KeepWeakHashes = true
		users.set(t, "ida", "weak", "s")
		byBasic(a, "ida:weak")
		policy.KeepWeakHashes = false
		policy.Iterations = 5
		users.set(t, "ida", "strong", "s")
		byBasic(a, "ida:strong")
		policy.Iterations = 50
		a.Close()
		users.set(t, "ida", "closed", "s")
		byBasic(a, "ida:closed")
		synctest.Wait()
		if users.rehash != 1 {
			t.Errorf("renewed %d times", users.rehash)
		}
	})
}

func TestLockout(t *testing.T) {
	const locked = "Account is temporarily locked due to multiple authentication failures"
	synctest.Test(t, func(t *testing.T) {
		policy := policies()
		policy.Lockout = auth.Lockout{}
		a, users := openWith(t, policy)
		from := func(address, pair string) string {
			req := request("GET", "/", "Authorization", basic(pair))
			req.RemoteAddr = address
			return who(a, req)
		}
		for _, name := range []string{"ida", "nobody"} { // no difference
			for range 5 {
				if got := from("1.2.3.4:5", name+":wrong"); got != incorrect {
					t.Errorf("%s: %s", name, got)
				}
			}
			if got := from("1.2.3.4:6", name+":wrong"); got != locked {
				t.Errorf("%s: %s", name, got)
			}
		}
		if got := from("1.2.3.4:7", "ida:secret"); got != locked {
			t.Error(got)
		}
		if got := from("1.2.3.5:7", "ida:secret"); got != "ida by default as team" {
			t.Errorf("from elsewhere: %s", got)
		}
		if got := from("1.2.3.4:7", "admin:pass"); got != "admin by default" {
			t.Errorf("another name: %s", got)
		}
		users.set(t, "ida", "new", "salt2")
		if got := from("1.2.3.4:7", "ida:new"); got != "ida by default as " {
			t.Errorf("with a new password: %s", got)
		}
		time.Sleep(5 * time.Minute)
		if got := from("1.2.3.4:7", "nobody:x"); got != incorrect {
			t.Errorf("later: %s", got)
		}
		for _, p := range []auth.Lockout{{Off: true}, {WarnOnly: true}} {
			policy.Lockout = p
			for range 10 {
				if got := from("2.2.2.2:1", "ida:wrong"); got != incorrect {
					t.Errorf("%+v: %s", p, got)
				}
			}
		}
	})
}

func TestGuessesFromManyAddresses(t *testing.T) {
	policy := policies()
	policy.Lockout = auth.Lockout{Failures: 1, Records: 1000}
	a, users := openWith(t, policy)
	users.set(t, "eve", "secret", "s")
	from := func(address, pair string) string {
		req := request("GET", "/", "Authorization", basic(pair))
		req.RemoteAddr = address
		return who(a, req)
	}
	if got := from("9.9.9.9:1", "ida:secret"); got != "ida by default as team" {
		t.Fatal(got)
	}
	locked := 0
	for i := range 40 {
		if strings.Contains(from("10.0.0."+string(rune('0'+i/10))+string(rune('0'+i%10))+":1", "ida:wrong"), "locked") {
			locked++
		}
	}
	if locked != 20 {
		t.Errorf("%d of 40 guesses of a name were refused unseen", locked)
	}
	if got := from("9.9.9.9:1", "ida:secret"); got != "ida by default as team" {
		t.Errorf("whoever has logged in before: %s", got)
	}
	locked = 0
	for i := range 300 {
		if strings.Contains(from("[2001:db8::1]:1", "name"+string(rune('a'+i))+":wrong"), "locked") {
			locked++
		}
	}
	if locked != 100 {
		t.Errorf("%d of 300 guesses of an address were refused unseen", locked)
	}
	if got := from("[2001:db8::2]:1", "eve:secret"); !strings.Contains(got, "locked") {
		t.Errorf("the same network: %s", got)
	}
}

func TestFailuresAreBounded(t *testing.T) {
	policy := policies()
	policy.Iterations = 1
	policy.Lockout = auth.Lockout{Records: 50}
	a, _ := openWith(t, policy)
	for i := range 500 {
		byBasic(a, strings.Repeat("n", 1+i)+":wrong")
	}
	if records, order := a.Records(); records != 50 || order != 50 {
		t.Errorf("%d records, %d in order", records, order)
	}
}

func TestSecondFactor(t *testing.T) {
	key := []byte("12345678901234567890")
	for at, want := range map[int64]string{59: "94287082", 1111111109: "07081804", 20000000000: "65353130"} { // RFC 6238
		if got := (&auth.TOTP{Key: key, Digits: 8}).Code(at); got != want {
			t.Errorf("at %d: %s, want %s", at, got, want)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		policy := policies()
		policy.Lockout = auth.Lockout{}
		a, users := openWith(t, policy)
		u := users.users["ida"]
		u.TOTP = &auth.TOTP{Key: key}
		users.users["ida"] = u
		login := func(token string) error {
			_, err := a.Login(request(http.MethodPost, "/_session"), auth.Credentials{Name: "ida", Password: "secret", Token: token})
			return err
		}
		now := u.TOTP.Code(time.Now().Unix())
		if err := login(now); err != nil {
			t.Error(err)
		}
		if got := byBasic(a, "ida:secret"); got != incorrect {
			t.Errorf("without a code: %s", got)
		}
		time.Sleep(30 * time.Second)
		if err := login(now); err != nil {
			t.Errorf("a little later: %v", err)
		}
		time.Sleep(60 * time.Second)
		for _, code := range []string{now, "", "12345", "0"} {
			if err := login(code); err == nil || err.Error() != incorrect {
				t.Errorf("code %q: %v", code, err)
			}
		}
		login("1")
		if err := login(u.TOTP.Code(time.Now().Unix())); err == nil || !strings.Contains(err.Error(), "locked") {
			t.Errorf("after five failures: %v", err)
		}
		for _, unusable := range []*auth.TOTP{{}, {Key: key, Algorithm: "md5"}, {Key: key, Digits: 3}} {
			a, users := openWith(t, policies())
			u.TOTP = unusable
			users.users["ida"] = u
			if _, err := a.Login(request(http.MethodPost, "/_session"), auth.Credentials{Name: "ida", Password: "secret"}); err == nil {
				t.Errorf("%d digits of %q: nothing is asked for", unusable.Digits, unusable.Algorithm)
			}
		}
	})
}
