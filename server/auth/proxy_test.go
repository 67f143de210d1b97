package auth_test

import (
	"slices"
	"strings"
	"testing"

	"settle/server/auth"
)

func TestProxy(t *testing.T) {
	policy := policies()
	policy.Handlers = []string{"cookie", "proxy", "jwt", "default"}
	a := open(t, stored(t), policy)
	const name, roles, token = "X-Auth-CouchDB-UserName", "X-Auth-CouchDB-Roles", "X-Auth-CouchDB-Token"
	const sha256, sha1 = "60b384578f5dfe6ad7d2eb044cc27c5c159dbade9001bef81bdea13b544ef5c0", "dfff061216cdba0f6f4161f34aafbe3f7c9a85f1"
	check := func(want string, header ...string) {
		t.Helper()
		if got := who(a, request("GET", "/", header...)); got != want {
			t.Errorf("%q: %s, want %s", header, got, want)
		}
	}
	check("px1 by proxy as ", name, "px1")
	check("px1 by proxy as a,b,c", name, "px1", roles, "a,b , c")
	check("px1 by proxy", name, "px1", roles, "_admin")
	check("anonymous", roles, "a,b")
	check("px1 by proxy as ", name, "px1", "Authorization", basic("admin:wrong"))
	policy.Proxy.NameHeader, policy.Proxy.RolesHeader = "X-Name", "X-Roles"
	check("anonymous", name, "px1")
	check("px1 by proxy as a", "X-Name", "px1", "X-Roles", "a")

	policy.Proxy = auth.Proxy{UseSecret: true}
	check("anonymous", name, "px1", token, sha256)
	policy.Secret = "thesecret"
	check("anonymous", name, "px1", roles, "a")
	check("px1 by proxy as a", name, "px1", roles, "a", token, sha256)
	check("px1 by proxy as a", name, "px1", roles, "a", token, sha1)
	for _, wrong := range []string{"00", "", "x", sha256[2:], sha256 + "00"} {
		check("anonymous", name, "px1", token, wrong)
	}
	check("anonymous", name, "px2", token, sha256)
	check("admin by default", name, "px2", token, sha256, "Authorization", basic("admin:pass"))
	policy.HashAlgorithms = []string{"sha256", "unknown"}
	check("anonymous", name, "px1", token, sha1)
	check("px1 by proxy as ", name, "px1", token, sha256)
	policy.Handlers = nil
	check("anonymous", name, "px1", token, sha256)
}

func TestParseHandlers(t *testing.T) {
	for text, want := range map[string]string{
		"": "",
		"{chttpd_auth, cookie_authentication_handler}, {chttpd_auth, proxy_authentication_handler}, {chttpd_auth, jwt_authentication_handler}, {chttpd_auth, default_authentication_handler}": "cookie proxy jwt default",
		"{couch_httpd_auth,default_authentication_handler},{x, oauth_authentication_handler}":                                                                                                 "default",
		"cookie": "", "{chttpd_auth, cookie}": "", "}{,,": "",
	} {
		if got := auth.ParseHandlers(text); !slices.Equal(got, strings.Fields(want)) {
			t.Errorf("%q: %q", text, got)
		}
	}
}

func FuzzBasic(f *testing.F) {
	f.Add(basic("admin:pass"))
	f.Add("Basic !")
	f.Fuzz(func(t *testing.T, header string) {
		c, ok, err := auth.ParseBasic(header)
		if err != nil || !ok {
			return
		}
		again, ok, err := auth.ParseBasic(basic(c.Name + ":" + c.Password))
		if again != c || !ok || err != nil {
			t.Errorf("%q is not read twice the same", header)
		}
	})
}
