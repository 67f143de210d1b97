package livesync_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"settle/compat-tests/settletest"
)

// TestTokens logs in by the tokens that LiveSync signs itself, in all algorithms
// that it offers.
func TestTokens(t *testing.T) {
	t.Parallel()
	d := newDevice(t, settletest.Start(t, settletest.Options{}))
	d.put(fix{"chttpd", "authentication_handlers",
		"{chttpd_auth, jwt_authentication_handler}, {chttpd_auth, cookie_authentication_handler}, {chttpd_auth, default_authentication_handler}"})
	for name, curve := range map[string]elliptic.Curve{"HS256": nil, "HS512": nil, "ES256": elliptic.P256(), "ES512": elliptic.P521()} {
		t.Run(name, func(t *testing.T) {
			d := d
			d.t = t
			key := d.putKey("key-"+name, curve)
			d.auth = "Bearer " + sign(t, name, key, time.Now().Add(5*time.Minute))
			d.want(http.StatusCreated, "PUT", "/"+strings.ToLower(name), "", nil)
			var session struct {
				UserCtx struct {
					Name  string
					Roles []string
				}
				Info struct{ Authenticated string }
			}
			d.want(http.StatusOK, "GET", "/_session", "", &session)
			if session.UserCtx.Name != "vault" || session.Info.Authenticated != "jwt" {
				t.Errorf("the session is %+v", session)
			}
			d.auth = "Bearer " + sign(t, name, key, time.Now().Add(-time.Minute))
			d.want(http.StatusUnauthorized, "GET", "/"+strings.ToLower(name), "", nil)
		})
	}
}

// putKey gives the server a new key, and returns what signs for it.
func (d device) putKey(id string, curve elliptic.Curve) any {
	d.t.Helper()
	if curve == nil {
		secret := make([]byte, 64)
		rand.Read(secret)
		d.put(fix{"jwt_keys", "hmac:" + id, base64.StdEncoding.EncodeToString(secret)})
		return secret
	}
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		d.t.Fatal(err)
	}
	d.put(fix{"jwt_keys", "ec:" + id, publicPEM(d.t, key.Public())})
	return key
}

// publicPEM returns a public key as LiveSync shows it for the server's
// configuration, in one line.
func publicPEM(t *testing.T, key crypto.PublicKey) string {
	t.Helper()
	raw, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: raw})
	return strings.ReplaceAll(strings.TrimSpace(string(text)), "\n", `\n`)
}

// sign makes a token as LiveSync does.
func sign(t *testing.T, algorithm string, key any, expires time.Time) string {
	t.Helper()
	token := jwt.NewWithClaims(jwt.GetSigningMethod(algorithm), jwt.MapClaims{
		"exp": expires.Unix(), "iat": time.Now().Unix(), "sub": "vault", "_couchdb.roles": []string{"_admin"},
	})
	token.Header["kid"] = "key-" + algorithm
	text, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
