package auth_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"settle/server/auth"
)

// atOnce logs in n times at once, and counts the outcomes: "right", "wrong" and
// "locked".
func atOnce(n int, login func(i int) error) map[string]int {
	var (
		mu       sync.Mutex
		outcomes = map[string]int{}
		group    sync.WaitGroup
	)
	for i := range n {
		group.Go(func() {
			err := login(i)
			outcome := "right"
			switch {
			case err != nil && strings.Contains(err.Error(), "locked"):
				outcome = "locked"
			case err != nil && err.Error() == incorrect:
				outcome = "wrong"
			case err != nil:
				outcome = err.Error()
			}
			mu.Lock()
			defer mu.Unlock()
			outcomes[outcome]++
		})
	}
	group.Wait()
	return outcomes
}

// Guesses that are made at once are bounded like those that are made one by one, and
// whoever knows the password is not kept out by asking much at once.
func TestGuessesAtOnce(t *testing.T) {
	totp := &auth.TOTP{Key: []byte("12345678901234567890")}
	near := func(int) string { return "1.2.3.4:5" }
	far := func(i int) string { return fmt.Sprintf("10.0.0.%d:5", i) }
	name := func(i int) string { return fmt.Sprint("name", i) }
	ida := func(int) string { return "ida" }
	for what, tt := range map[string]struct {
		n, failures int
		address     func(i int) string
		name        func(i int) string
		password    string
		totp        *auth.TOTP
		want        map[string]int
	}{
		"one name and address":   {80, 5, near, ida, "wrong", nil, map[string]int{"wrong": 5, "locked": 75}},
		"one name":               {80, 1, far, ida, "wrong", nil, map[string]int{"wrong": 20, "locked": 60}},
		"one address":            {300, 1, near, name, "wrong", nil, map[string]int{"wrong": 200, "locked": 100}},
		"the right password":     {80, 5, near, ida, "secret", nil, map[string]int{"right": 80}},
		"the right one, any way": {80, 1, far, ida, "secret", nil, map[string]int{"right": 80}},
		"wrong codes":            {80, 5, near, ida, "secret", totp, map[string]int{"wrong": 5, "locked": 75}},
		"wrong codes, any way":   {80, 1, far, ida, "secret", totp, map[string]int{"wrong": 20, "locked": 60}},
	} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				policy := policies()
				policy.Lockout = auth.Lockout{Failures: tt.failures, Memory: time.Hour}
				a, users := openWith(t, policy)
				u := users.users["ida"]
				u.TOTP = tt.totp
				users.users["ida"] = u
				auth.SlowHashes(t, time.Second)
				got := atOnce(tt.n, func(i int) error {
					req := request(http.MethodPost, "/_session")
					req.RemoteAddr = tt.address(i)
					_, err := a.Login(req, auth.Credentials{Name: tt.name(i), Password: tt.password})
					return err
				})
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("outcomes (-want +got):\n%s", diff)
				}
				if n := a.UnderWay(); n != 0 {
					t.Errorf("%d guesses go on", n)
				}
			})
		})
	}
}

// A guess whose client goes away before it is tried does not count.
func TestGuessGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		policy := policies()
		policy.Lockout = auth.Lockout{Failures: 1}
		a, _ := openWith(t, policy)
		auth.SlowHashes(t, time.Second)
		login := func(ctx context.Context, address, name, password string) error {
			req := request(http.MethodPost, "/_session").WithContext(ctx)
			req.RemoteAddr = address
			_, err := a.Login(req, auth.Credentials{Name: name, Password: password})
			return err
		}
		var others sync.WaitGroup
		for i := range runtime.NumCPU() { // as many as compute at a time
			others.Go(func() { login(t.Context(), "9.9.9.9:1", fmt.Sprint("name", i), "wrong") })
		}
		synctest.Wait()
		impatient, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		if err := login(impatient, "1.2.3.4:5", "ida", "wrong"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a guess that is given up: %v", err)
		}
		others.Wait()
		if err := login(t.Context(), "1.2.3.4:5", "ida", "secret"); err != nil {
			t.Errorf("a later one: %v", err)
		}
		if n := a.UnderWay(); n != 0 {
			t.Errorf("%d guesses go on", n)
		}
	})
}
