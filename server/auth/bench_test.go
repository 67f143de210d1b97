package auth_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"
)

// BenchmarkAuthenticate is what authentication adds to a request. Users come from
// memory here; how long the store takes to tell that one has not changed is
// BenchmarkUser in settle/server/users.
func BenchmarkAuthenticate(b *testing.B) {
	policy := tokenPolicy(map[string]string{"hmac:_default": "aGVsbG8="})
	policy.Secret, policy.Proxy.UseSecret = "thesecret", true
	a, _ := openWith(b, policy)
	cookie := func(name, password string) string {
		value, _, _ := strings.Cut(cookieOf(b, a, name, password), ";")
		return value
	}
	mac := hmac.New(sha256.New, []byte(policy.Secret))
	mac.Write([]byte("px1"))
	for _, bench := range []struct {
		name   string
		header []string
	}{
		{"anonymous", nil},
		{"basic/admin", []string{"Authorization", basic("admin:pass")}},
		{"basic/user", []string{"Authorization", basic("ida:secret")}},
		{"cookie/admin", []string{"Cookie", cookie("admin", "pass")}},
		{"cookie/user", []string{"Cookie", cookie("ida", "secret")}},
		{"jwt/HS256", []string{"Authorization", "Bearer " + tokenRoles}},
		{"proxy", []string{"X-Auth-CouchDB-UserName", "px1", "X-Auth-CouchDB-Roles", "a,b", "X-Auth-CouchDB-Token", hex.EncodeToString(mac.Sum(nil))}},
	} {
		req := request("GET", "/", bench.header...)
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				s, err := a.Authenticate(req)
				if err != nil || (s.Handler == "") != (bench.header == nil) {
					b.Fatalf("%+v %v", s, err)
				}
			}
		})
	}
}
