package attacks_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// issuer is somebody whose tokens a fort believes, with keys of every kind.
type issuer struct {
	t       *testing.T
	hmac    []byte
	rsa     *rsa.PrivateKey
	ec      *ecdsa.PrivateKey
	rsaText []byte // the public key, as PEM
	ecText  []byte
}

func newIssuer(f *fort) *issuer {
	f.t.Helper()
	i := &issuer{t: f.t, hmac: make([]byte, 32)}
	rand.Read(i.hmac)
	var err error
	if i.rsa, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
		f.t.Fatal(err)
	}
	if i.ec, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		f.t.Fatal(err)
	}
	i.rsaText, i.ecText = i.pem(&i.rsa.PublicKey), i.pem(&i.ec.PublicKey)
	f.configure("jwt_keys/hmac:h", base64.StdEncoding.EncodeToString(i.hmac))
	oneLine := strings.NewReplacer("\n", `\n`)
	f.configure("jwt_keys/rsa:r", oneLine.Replace(string(i.rsaText)))
	f.configure("jwt_keys/ec:e", oneLine.Replace(string(i.ecText)))
	f.configure("chttpd/authentication_handlers", "{chttpd_auth, jwt_authentication_handler}, {chttpd_auth, cookie_authentication_handler}, {chttpd_auth, default_authentication_handler}")
	return i
}

func (i *issuer) pem(key any) []byte {
	raw, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		i.t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: raw})
}

// object is a part of a token.
type object map[string]any

// bobs are the claims of a token for bob, with some changed; nil takes one away.
func bobs(changed object) object {
	claims := object{"sub": "bob", "exp": time.Now().Add(time.Hour).Unix()}
	for name, value := range changed {
		if claims[name] = value; value == nil {
			delete(claims, name)
		}
	}
	return claims
}

// signed returns the header with a token, signed with a key by an algorithm.
func (i *issuer) signed(header, claims object, algorithm string, key any) string {
	i.t.Helper()
	text := part(i.t, header) + "." + part(i.t, claims)
	signature, err := jwt.GetSigningMethod(algorithm).Sign(text, key)
	if err != nil {
		i.t.Fatal(err)
	}
	return bearer(text, signature)
}

func part(t *testing.T, o object) string {
	t.Helper()
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

func bearer(signed string, signature []byte) string {
	return "Authorization: Bearer " + signed + "." + base64.RawURLEncoding.EncodeToString(signature)
}

func TestForgedTokens(t *testing.T) {
	t.Parallel()
	f := newFort(t)
	i := newIssuer(f)
	h := object{"alg": "HS256", "typ": "JWT", "kid": "h"}
	r := object{"alg": "RS256", "kid": "r"}
	e := object{"alg": "ES256", "kid": "e"}
	good := i.signed(h, bobs(nil), "HS256", i.hmac)
	f.mustOpen(good)
	f.mustOpen(i.signed(r, bobs(nil), "RS256", i.rsa))
	f.mustOpen(i.signed(e, bobs(nil), "ES256", i.ec))

	parts := strings.Split(good, ".")
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	unsigned := func(header, claims object) string { return bearer(part(t, header)+"."+part(t, claims), nil) }
	for name, header := range map[string]string{
		"alg none":                          unsigned(object{"alg": "none"}, bobs(nil)),
		"alg none, the id of a key":         unsigned(object{"alg": "none", "kid": "h"}, bobs(nil)),
		"alg None":                          unsigned(object{"alg": "None", "kid": "h"}, bobs(nil)),
		"alg NONE, roles":                   unsigned(object{"alg": "NONE"}, bobs(object{"_couchdb.roles": []string{"_admin"}})),
		"alg none, signed":                  i.signed(object{"alg": "none", "kid": "h"}, bobs(nil), "HS256", i.hmac),
		"no alg":                            i.signed(object{"kid": "h"}, bobs(nil), "HS256", i.hmac),
		"alg empty":                         i.signed(object{"alg": "", "kid": "h"}, bobs(nil), "HS256", i.hmac),
		"alg null":                          unsigned(object{"alg": nil, "kid": "h"}, bobs(nil)),
		"alg in small letters":              i.signed(object{"alg": "hs256", "kid": "h"}, bobs(nil), "HS256", i.hmac),
		"alg a list":                        unsigned(object{"alg": []string{"HS256"}, "kid": "h"}, bobs(nil)),
		"no signature":                      unsigned(h, bobs(nil)),
		"no third part":                     parts[0] + "." + parts[1],
		"an empty third part":               parts[0] + "." + parts[1] + ".",
		"four parts":                        good + "." + parts[2],
		"the signature of other claims":     strings.Join([]string{parts[0], part(t, bobs(object{"sub": "boss"})), parts[2]}, "."),
		"the RSA key as a secret":           i.signed(object{"alg": "HS256", "kid": "r"}, bobs(nil), "HS256", i.rsaText),
		"the RSA key as a secret, id h":     i.signed(h, bobs(nil), "HS256", i.rsaText),
		"the RSA key in base64 as a secret": i.signed(object{"alg": "HS256", "kid": "r"}, bobs(nil), "HS256", []byte(base64.StdEncoding.EncodeToString(i.rsaText))),
		"the EC key as a secret":            i.signed(object{"alg": "HS256", "kid": "e"}, bobs(nil), "HS256", i.ecText),
		"the EC key as a secret, HS512":     i.signed(object{"alg": "HS512", "kid": "e"}, bobs(nil), "HS512", i.ecText),
		"an empty secret":                   i.signed(h, bobs(nil), "HS256", []byte{}),
		"the id as a secret":                i.signed(h, bobs(nil), "HS256", []byte("h")),
		"the secret in base64":              i.signed(h, bobs(nil), "HS256", []byte(base64.StdEncoding.EncodeToString(i.hmac))),
		"another RSA key":                   i.signed(r, bobs(nil), "RS256", other),
		"its own key":                       i.signed(object{"alg": "RS256", "kid": "r", "jwk": object{"kty": "RSA", "e": "AQAB", "n": base64.RawURLEncoding.EncodeToString(other.N.Bytes())}}, bobs(nil), "RS256", other),
		"the address of a key":              i.signed(object{"alg": "RS256", "kid": "r", "jku": "http://evil.example/keys", "x5u": "http://evil.example/cert"}, bobs(nil), "RS256", other),
		"the RSA key by the name of PS256":  i.signed(object{"alg": "PS256", "kid": "r"}, bobs(nil), "PS256", i.rsa),
		"a signature of zeros":              bearer(part(t, e)+"."+part(t, bobs(nil)), make([]byte, 64)),
		"a signature of the order":          bearer(part(t, e)+"."+part(t, bobs(nil)), append(i.ec.Params().N.Bytes(), i.ec.Params().N.Bytes()...)),
		"an unknown key":                    i.signed(object{"alg": "HS256", "kid": "x"}, bobs(nil), "HS256", i.hmac),
		"no key":                            i.signed(object{"alg": "HS256"}, bobs(nil), "HS256", i.hmac),
		"an empty key id":                   i.signed(object{"alg": "HS256", "kid": ""}, bobs(nil), "HS256", i.hmac),
		"a key id that is a number":         i.signed(object{"alg": "HS256", "kid": 1}, bobs(nil), "HS256", i.hmac),
		"a key id with its family":          i.signed(object{"alg": "HS256", "kid": "hmac:h"}, bobs(nil), "HS256", i.hmac),
		"a key id that is a path":           i.signed(object{"alg": "HS256", "kid": "../../../dev/null"}, bobs(nil), "HS256", []byte{}),
		"another section":                   i.signed(object{"alg": "HS256", "kid": "h/../../chttpd_auth/secret"}, bobs(nil), "HS256", []byte{}),
		"critical extensions":               i.signed(object{"alg": "HS256", "kid": "h", "crit": []string{"exp"}}, bobs(nil), "HS256", i.hmac),
		"another type":                      i.signed(object{"alg": "HS256", "kid": "h", "typ": "JWE"}, bobs(nil), "HS256", i.hmac),
		"expired":                           i.signed(h, bobs(object{"exp": time.Now().Add(-time.Second).Unix()}), "HS256", i.hmac),
		"no expiry":                         i.signed(h, bobs(object{"exp": nil}), "HS256", i.hmac),
		"an expiry that is text":            i.signed(h, bobs(object{"exp": "9999999999"}), "HS256", i.hmac),
		"an expiry that is null":            bearerOf(t, i, h, `{"sub":"bob","exp":null}`),
		"an expiry that is huge":            bearerOf(t, i, h, `{"sub":"bob","exp":1e999}`),
		"two expiries":                      bearerOf(t, i, h, `{"sub":"bob","exp":9999999999,"exp":1}`),
		"nobody":                            i.signed(h, bobs(object{"sub": nil}), "HS256", i.hmac),
		"an empty name":                     i.signed(h, bobs(object{"sub": ""}), "HS256", i.hmac),
		"a name that is a list":             i.signed(h, bobs(object{"sub": []string{"bob"}}), "HS256", i.hmac),
		"in small letters":                  strings.Replace(good, "Bearer", "bearer", 1),
		"as Basic":                          strings.Replace(good, "Bearer", "Basic", 1),
		"behind a comma":                    "Authorization: Basic x, " + good[len("Authorization: "):],
		"a padded part":                     parts[0] + "=." + parts[1] + "." + parts[2],
		"claims that are a list":            bearerOf(t, i, h, `["bob"]`),
		"more behind the claims":            bearerOf(t, i, h, `{"sub":"bob","exp":9999999999}{"sub":"admin"}`),
	} {
		f.refused(f.with(name, header)...)
	}
}

// bearerOf signs claims that are given as text.
func bearerOf(t *testing.T, i *issuer, header object, claims string) string {
	t.Helper()
	text := part(t, header) + "." + base64.RawURLEncoding.EncodeToString([]byte(claims))
	mac := hmac.New(sha256.New, i.hmac)
	mac.Write([]byte(text))
	return bearer(text, mac.Sum(nil))
}

// TestRolesInClaims has tokens of an issuer that is believed, whose claims the
// user chose but for the one that holds the roles.
func TestRolesInClaims(t *testing.T) {
	t.Parallel()
	f := newFort(t)
	i := newIssuer(f)
	h := object{"alg": "HS256", "kid": "h"}
	own := func(changed object) string {
		claims := bobs(changed)
		claims["sub"] = "eve"
		return i.signed(h, claims, "HS256", i.hmac)
	}
	admin := []string{"_admin", "keeper"}
	for name, header := range map[string]string{
		"other names of roles":     own(object{"roles": admin, "_couchdb_roles": admin, "couchdb.roles": admin, "_couchdb": object{"roles": admin}, "_COUCHDB.ROLES": admin}),
		"roles that are an object": own(object{"_couchdb.roles": object{"0": "_admin"}}),
		"roles in lists":           own(object{"_couchdb.roles": []any{[]string{"_admin"}}}),
		"almost the role":          own(object{"_couchdb.roles": []string{"admin", "_Admin", "_admin\x00", "_admin,", "[_admin]"}}),
		"the administrator's name": i.signed(h, bobs(object{"sub": "admin"}), "HS256", i.hmac),
		"a name with a role":       i.signed(h, bobs(object{"sub": "eve,_admin"}), "HS256", i.hmac),
		"a name that is a number":  i.signed(h, bobs(object{"sub": 1}), "HS256", i.hmac),
	} {
		f.refused(f.with(name, header)...)
	}
	f.configure("jwt_auth/roles_claim_name", "groups")
	f.refused(f.with("the standard claim where another counts", own(object{"_couchdb.roles": admin}))...)
	f.configure("jwt_auth/roles_claim_path", "app.groups")
	for name, claims := range map[string]object{
		"the standard claim where a path counts": {"_couchdb.roles": admin, "app": object{}},
		"the name where a path counts":           {"groups": admin, "app": object{"x": admin}},
		"the path as a name":                     {"app.groups": admin, "app": object{"groups": []string{}}},
	} {
		f.refused(f.with(name, own(claims))...)
	}
	f.mustOpen(i.signed(h, bobs(object{"app": object{"groups": []string{}}}), "HS256", i.hmac))
}
