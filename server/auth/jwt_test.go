package auth_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"settle/server/auth"
)

// Tokens that CouchDB 3.5 has answered; the keys are _default: "hello" and foo:
// "foosecret".
const (
	tokenRoles   = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJqdzEiLCJfY291Y2hkYi5yb2xlcyI6WyJhIiwiYiJdLCJleHAiOjQxMDI0NDQ4MDB9.9guZWU120xjj_92VrItwYBEBVxactvS-dGoMn0MT8Ns"
	tokenNoExp   = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJqdzEifQ.UrSndUphlsoFWjgzAhfK6CCRrXWmzzz9lj3ZO8T7IjA"
	tokenHS384   = "eyJhbGciOiJIUzM4NCIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJqdzEiLCJleHAiOjQxMDI0NDQ4MDB9.rz5SWXE8f2FsrG1Z7Y63lKKfx5ZakAcVzG0WVEMcyzB_WRZC03FeW80sKjBEgZKi"
	tokenHS512   = "eyJhbGciOiJIUzUxMiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJqdzEiLCJleHAiOjQxMDI0NDQ4MDB9.5y_Z5_uv0GorQYitOzqXVcXHbaUxWJzkaCE7tGhxbIrLnPylgBGT2nvRMPQdkmEKZbOhob1te-Os3sAu2jefGw"
	tokenFoo     = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6ImZvbyJ9.eyJzdWIiOiJqdzEiLCJleHAiOjQxMDI0NDQ4MDB9.ev_0PX43cCQ_a3qaZ9nLD6D5lHtGeWm0heaxK4pHiZw"
	tokenBar     = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6ImJhciJ9.eyJzdWIiOiJqdzEiLCJleHAiOjQxMDI0NDQ4MDB9.gB0pEICI0k6Z3JkWpjn2vsQOJyM3witJsv3nY_HG9Ws"
	tokenBad     = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJqdzEiLCJleHAiOjQxMDI0NDQ4MDB9.nBZSI7YKEK_jphroMbodQd3tAxAlocRjOrxGcignKUg"
	tokenNone    = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJzdWIiOiJqdzEifQ."
	tokenNoSub   = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJuYW1lIjoieCIsImV4cCI6NDEwMjQ0NDgwMH0.HYYfCB3kZqt6e3J4CINJjycHo5e4p_jw2CmYazblJ9M"
	tokenOld     = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJqdzEiLCJleHAiOjEwMDAwMDAwMDB9.melHnnrhSP9QLdHwtR1XKlBIhS4p6_trbi227am1WUU"
	tokenNotYet  = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJqdzEiLCJuYmYiOjQxMDI0NDQ4MDAsImV4cCI6NDEwMjQ0NDgwMH0.60j5jW1_WUlFJOgFuQrhhdP9o4I8VddK1jbPMGjVDQI"
	tokenNoType  = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJqdzEiLCJleHAiOjQxMDI0NDQ4MDB9.HmknYpw3ciFMTXlFJ0VsULGcnghlbdfrBao8HuMSxiA"
	tokenAdmin   = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJqdzEiLCJfY291Y2hkYi5yb2xlcyI6WyJfYWRtaW4iXSwiZXhwIjo0MTAyNDQ0ODAwfQ.snVffIfEbFNLxXRHqHVAgZijv39Gmav5fYI5gOYFrdQ"
	tokenNumber  = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOjUsImV4cCI6NDEwMjQ0NDgwMH0.J3e1U20_sXknLNj2Va4K-pzg4xcyn8cWAlZut4TjGhA"
	tokenIssMe   = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJqdzEiLCJpc3MiOiJtZSIsImV4cCI6NDEwMjQ0NDgwMH0.OQqDAadTSfcTcNlQTl-x5VVmC8YBmDwqedb6euqUtJE"
	tokenIssYou  = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJqdzEiLCJpc3MiOiJ5b3UiLCJleHAiOjQxMDI0NDQ4MDB9.gXo5gnGmd4-uU5XjHYIvRZkHxMkSjYBXRihCKJOjPmc"
	tokenDeep    = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJqdzEiLCJteSI6eyJkZWVwIjp7InJvbGVzIjpbIngiXX19LCJleHAiOjQxMDI0NDQ4MDB9.YrNP5vbxuPn4k9yTtdua8RRc6CMkXAjfNWNvjVV_1dw"
	tokenShallow = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJqdzEiLCJfY291Y2hkYi5yb2xlcyI6WyJhIl0sImV4cCI6NDEwMjQ0NDgwMH0.cYweSiE2IMECPiDCnRi0rTbQxnY739zXBguxwXwFVUQ"
)

// tokenPolicy accepts tokens with the keys given, by id.
func tokenPolicy(keys map[string]string) *auth.Policy {
	p := policies()
	p.Handlers = []string{"cookie", "proxy", "jwt", "default"}
	p.JWT.Key = func(id string) (string, bool) {
		key, ok := keys[id]
		return key, ok
	}
	return p
}

func bearer(a *auth.Auth, token string) string {
	return who(a, request("GET", "/", "Authorization", "Bearer "+token))
}

func TestTokensOfCouchDB(t *testing.T) {
	policy := tokenPolicy(map[string]string{"hmac:_default": "aGVsbG8=", "hmac:foo": "Zm9vc2VjcmV0"})
	a := open(t, stored(t), policy)
	const plain = "jw1 by jwt as "
	issuer := auth.ParseClaims(`{iss, "me"}`)
	for _, tt := range []struct {
		claims      auth.Claims
		path        string
		token, want string
	}{
		{token: tokenNoExp, want: "Missing exp claim"},
		{token: tokenRoles, want: "jw1 by jwt as a,b"},
		{token: tokenHS384, want: plain},
		{token: tokenHS512, want: plain},
		{token: tokenFoo, want: plain},
		{token: tokenBar, want: "Unknown kid"},
		{token: tokenBad, want: "Bad HMAC"},
		{token: tokenNone, want: "Invalid alg header parameter"},
		{token: tokenNoSub, want: "Token missing sub claim."},
		{token: tokenOld, want: "exp not in future"},
		{token: tokenNotYet, want: plain},
		{token: "abc", want: "Malformed token"},
		{token: "a.b.c", want: "Malformed token"},
		{token: tokenNoType, want: plain},
		{token: tokenAdmin, want: "jw1 by jwt"},
		{token: tokenNumber, want: "5 by jwt as "},
		{claims: auth.ParseClaims(""), token: tokenNoExp, want: plain},
		{claims: auth.ParseClaims(""), token: tokenOld, want: "exp not in future"},
		{claims: issuer, token: tokenIssMe, want: plain},
		{claims: issuer, token: tokenIssYou, want: "Invalid iss claim"},
		{claims: issuer, token: tokenHS384, want: "Missing iss claim"},
		{claims: auth.ParseClaims("exp,nbf"), token: tokenNotYet, want: "nbf not in past"},
		{claims: auth.ParseClaims("exp nonsense"), token: tokenRoles, want: "The required claims are not configured properly"},
		{path: "my.deep.roles", token: tokenDeep, want: "jw1 by jwt as x"},
		{path: "my.deep.roles", token: tokenShallow, want: "missing json key: my"},
		{path: `_couchdb\.roles`, token: tokenShallow, want: "jw1 by jwt as a"},
	} {
		policy.JWT.Required, policy.JWT.RolesPath = tt.claims, tt.path
		if got := bearer(a, tt.token); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.token, got, tt.want)
		}
	}
	policy.Handlers = nil
	if got := bearer(a, tokenAdmin); got != "anonymous" {
		t.Errorf("without the handler: %s", got)
	}
}

// publicKey prints a key as CouchDB's configuration has it.
func publicKey(t *testing.T, key any) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})), "\n", `\n`)
}

func signed(t *testing.T, method jwt.SigningMethod, key any, header map[string]any) string {
	t.Helper()
	token := jwt.NewWithClaims(method, jwt.MapClaims{"sub": "ida", "exp": 4102444800})
	for name, value := range header {
		token.Header[name] = value
	}
	text, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestPublicKeys(t *testing.T) {
	rsaKey, _ := rsa.GenerateKey(rand.Reader, 2048)
	curves := map[string]elliptic.Curve{"256": elliptic.P256(), "384": elliptic.P384(), "521": elliptic.P521()}
	ec := map[string]*ecdsa.PrivateKey{}
	keys := map[string]string{"rsa:r": publicKey(t, rsaKey.Public()), "rsa:broken": "-----BEGIN", "hmac:empty": "", "hmac:odd": "*"}
	for name, curve := range curves {
		ec[name], _ = ecdsa.GenerateKey(curve, rand.Reader)
		keys["ec:"+name] = publicKey(t, ec[name].Public())
	}
	keys["ec:r"], keys["rsa:256"] = keys["rsa:r"], keys["ec:256"]
	a := open(t, stored(t), tokenPolicy(keys))
	kid := func(name string) map[string]any { return map[string]any{"kid": name} }
	const good = "ida by jwt as "
	pemBytes := []byte(strings.ReplaceAll(keys["rsa:r"], `\n`, "\n"))
	for what, tt := range map[string][2]string{
		"RS256": {signed(t, jwt.SigningMethodRS256, rsaKey, kid("r")), good},
		"RS384": {signed(t, jwt.SigningMethodRS384, rsaKey, kid("r")), good},
		"RS512": {signed(t, jwt.SigningMethodRS512, rsaKey, kid("r")), good},
		"ES256": {signed(t, jwt.SigningMethodES256, ec["256"], kid("256")), good},
		"ES384": {signed(t, jwt.SigningMethodES384, ec["384"], kid("384")), good},
		"ES512": {signed(t, jwt.SigningMethodES512, ec["521"], kid("521")), good},

		"a public key as secret":        {signed(t, jwt.SigningMethodHS256, pemBytes, kid("r")), "Unknown kid"},
		"another key":                   {signed(t, jwt.SigningMethodES256, ec["256"], kid("384")), "Unknown kid"},
		"an RSA key for ES":             {signed(t, jwt.SigningMethodES256, ec["256"], kid("r")), "Unknown kid"},
		"an EC key for RS":              {signed(t, jwt.SigningMethodRS256, rsaKey, kid("256")), "Unknown kid"},
		"a broken key":                  {signed(t, jwt.SigningMethodRS256, rsaKey, kid("broken")), "Unknown kid"},
		"an empty secret":               {signed(t, jwt.SigningMethodHS256, []byte{}, kid("empty")), "Unknown kid"},
		"a broken secret":               {signed(t, jwt.SigningMethodHS256, []byte{}, kid("odd")), "Unknown kid"},
		"no default key":                {signed(t, jwt.SigningMethodHS256, []byte("x"), nil), "Unknown kid"},
		"a kid that is no text":         {signed(t, jwt.SigningMethodRS256, rsaKey, map[string]any{"kid": 5}), "Unknown kid"},
		"a kid of another family":       {signed(t, jwt.SigningMethodHS256, pemBytes, kid("rsa:r")), "Unknown kid"},
		"PSS":                           {signed(t, jwt.SigningMethodPS256, rsaKey, kid("r")), "Invalid alg header parameter"},
		"none":                          {signed(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, kid("r")), "Invalid alg header parameter"},
		"an algorithm in another case":  {signed(t, jwt.SigningMethodRS256, rsaKey, map[string]any{"alg": "rs256", "kid": "r"}), "Invalid alg header parameter"},
		"another algorithm in the head": {signed(t, jwt.SigningMethodRS256, rsaKey, map[string]any{"alg": "RS384", "kid": "r"}), "Bad signature"},
		"critical extensions":           {signed(t, jwt.SigningMethodRS256, rsaKey, map[string]any{"crit": []string{"b64"}, "kid": "r"}), "Invalid crit header parameter"},
		"another type":                  {signed(t, jwt.SigningMethodRS256, rsaKey, map[string]any{"typ": "JWE", "kid": "r"}), "Invalid typ header parameter"},
	} {
		for range 2 { // the second time with the key from memory
			if got := bearer(a, tt[0]); got != tt[1] {
				t.Errorf("%s: %s, want %s", what, got, tt[1])
			}
		}
	}
	good256 := signed(t, jwt.SigningMethodES256, ec["256"], kid("256"))
	parts := strings.Split(good256, ".")
	forged := base64.RawURLEncoding.EncodeToString([]byte(`{"sub":"ida","exp":4102444800,"_couchdb.roles":["_admin"]}`))
	for what, token := range map[string]string{
		"other claims":            parts[0] + "." + forged + "." + parts[2],
		"no signature":            parts[0] + "." + parts[1] + ".",
		"zeros as the signature":  parts[0] + "." + parts[1] + "." + base64.RawURLEncoding.EncodeToString(make([]byte, 64)),
		"half of the signature":   parts[0] + "." + parts[1] + "." + parts[2][:43],
		"a fourth part":           good256 + ".x",
		"padding":                 good256 + "=",
		"claims that are no JSON": parts[0] + "." + base64.RawURLEncoding.EncodeToString([]byte(`{} {}`)) + "." + parts[2],
	} {
		if got := bearer(a, token); strings.Contains(got, "by jwt") || got == "anonymous" {
			t.Errorf("%s: %s", what, got)
		}
	}
}

func TestRolesOfTokens(t *testing.T) {
	policy := tokenPolicy(map[string]string{"hmac:_default": "aGVsbG8="})
	policy.JWT.RolesClaim = "groups"
	a := open(t, stored(t), policy)
	for _, tt := range []struct {
		groups any
		want   string
	}{
		{nil, ""}, {"a, b,,c ", "a,b,c"}, {[]any{"a", 5, nil, []string{"_admin"}, "b"}, "a,b"},
		{5, ""}, {map[string]any{"_admin": true}, ""},
	} {
		token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
			"sub": "ida", "exp": 4102444800, "groups": tt.groups, "_couchdb.roles": []string{"_admin"}, "Groups": []string{"_admin"},
		}).SignedString([]byte("hello"))
		if err != nil {
			t.Fatal(err)
		}
		if got := bearer(a, token); got != "ida by jwt as "+tt.want {
			t.Errorf("%v: %s", tt.groups, got)
		}
	}
}

func FuzzToken(f *testing.F) {
	for _, token := range []string{tokenRoles, tokenNone, tokenNumber, "a.b.c", ".."} {
		f.Add(token)
	}
	f.Fuzz(func(t *testing.T, text string) {
		claims, err := auth.ParseToken(text)
		if err == nil && claims == nil {
			t.Errorf("%q: no claims", text)
		}
		auth.ParseClaims(text)
		auth.ParseHandlers(text)
	})
}
