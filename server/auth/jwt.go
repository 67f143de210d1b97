package auth

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"settle/storage/couch"
)

// byToken reads a JSON web token (RFC 7519) from the Authorization header.
type byToken struct{ auth *Auth }

// algorithm is a way to sign tokens, with the family of keys that it may use:
// a public key never counts as a secret one.
type algorithm struct {
	family string
	method jwt.SigningMethod
	bits   int // of the curve
}

// algorithms are those that count, by the name in a token's header. "none" is
// none of them.
var algorithms = map[string]algorithm{
	"HS256": {family: "hmac", method: jwt.SigningMethodHS256},
	"HS384": {family: "hmac", method: jwt.SigningMethodHS384},
	"HS512": {family: "hmac", method: jwt.SigningMethodHS512},
	"RS256": {family: "rsa", method: jwt.SigningMethodRS256},
	"RS384": {family: "rsa", method: jwt.SigningMethodRS384},
	"RS512": {family: "rsa", method: jwt.SigningMethodRS512},
	"ES256": {family: "ec", method: jwt.SigningMethodES256, bits: 256},
	"ES384": {family: "ec", method: jwt.SigningMethodES384, bits: 384},
	"ES512": {family: "ec", method: jwt.SigningMethodES512, bits: 521},
}

var (
	errBadToken   = &couch.Error{Kind: couch.BadRequest, Reason: "Malformed token"}
	errAlgorithm  = &couch.Error{Kind: couch.BadRequest, Reason: "Invalid alg header parameter"}
	errNoAlg      = &couch.Error{Kind: couch.BadRequest, Reason: "Missing alg header parameter"}
	errTokenType  = &couch.Error{Kind: couch.BadRequest, Reason: "Invalid typ header parameter"}
	errUnknownKey = &couch.Error{Kind: couch.BadRequest, Reason: "Unknown kid"}
	errCritical   = &couch.Error{Kind: couch.BadRequest, Reason: "Invalid crit header parameter"}
	errBadHMAC    = &couch.Error{Kind: couch.BadRequest, Reason: "Bad HMAC"}
	errSignature  = &couch.Error{Kind: couch.BadRequest, Reason: "Bad signature"}
)

// webToken is a token that has been taken apart, and not been believed.
type webToken struct {
	algorithm algorithm
	kid       string
	claims    map[string]any
	signed    string // what the signature is of
	signature []byte
}

// authenticate checks in CouchDB's order: form, algorithm, claims, key, signature.
func (b byToken) authenticate(req *http.Request) (Session, error) {
	text, ok := strings.CutPrefix(req.Header.Get("Authorization"), "Bearer ")
	if !ok {
		return Session{}, nil
	}
	t, err := parseToken(text)
	if err != nil {
		return Session{}, err
	}
	config := b.auth.policy().JWT
	if err := config.Required.check(t.claims, time.Now()); err != nil {
		return Session{}, err
	}
	if err := t.checkSignature(&b.auth.keys, config); err != nil {
		return Session{}, err
	}
	name, numeric, err := subject(t.claims)
	if err != nil {
		return Session{}, err
	}
	roles, err := config.tokenRoles(t.claims)
	if err != nil {
		return Session{}, err
	}
	return Session{User: couch.UserCtx{Name: name, Roles: roles}, Handler: handlerJWT, NumericName: numeric}, nil
}

// parseToken takes a token apart. The error is a BadRequest.
func parseToken(text string) (*webToken, error) {
	parts := strings.Split(strings.TrimSpace(text), ".")
	if len(parts) != 3 {
		return nil, errBadToken
	}
	header, err := decodePart(parts[0])
	if err != nil {
		return nil, err
	}
	t := &webToken{signed: parts[0] + "." + parts[1], kid: "_default"}
	if err := t.readHeader(header); err != nil {
		return nil, err
	}
	if t.claims, err = decodePart(parts[1]); err != nil {
		return nil, err
	}
	if t.signature, err = base64.RawURLEncoding.DecodeString(parts[2]); err != nil {
		return nil, errBadToken
	}
	return t, nil
}

// decodePart reads a JSON object in base64url.
func decodePart(part string) (map[string]any, error) {
	text, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		return nil, errBadToken
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var object map[string]any
	if err := decoder.Decode(&object); err != nil || object == nil || decoder.More() {
		return nil, errBadToken
	}
	return object, nil
}

func (t *webToken) readHeader(header map[string]any) error {
	if typ, ok := header["typ"]; ok && typ != "JWT" {
		return errTokenType
	}
	if _, ok := header["crit"]; ok { // extensions that must be understood
		return errCritical
	}
	alg, ok := header["alg"]
	if !ok {
		return errNoAlg
	}
	name, _ := alg.(string)
	if t.algorithm, ok = algorithms[name]; !ok {
		return errAlgorithm
	}
	if kid, ok := header["kid"]; ok {
		if t.kid, ok = kid.(string); !ok {
			return errUnknownKey
		}
	}
	return nil
}

// checkSignature refuses a token that is not signed with the key it names.
func (t *webToken) checkSignature(cache *keyCache, config JWT) error {
	if config.Key == nil {
		return errUnknownKey
	}
	value, ok := config.Key(t.algorithm.family + ":" + t.kid)
	if !ok {
		return errUnknownKey
	}
	key, err := cache.get(t.algorithm.family, value)
	if err != nil || !t.algorithm.takes(key) {
		return errUnknownKey
	}
	if t.algorithm.method.Verify(t.signed, t.signature, key) == nil {
		return nil
	}
	if t.algorithm.family == "hmac" {
		return errBadHMAC
	}
	return errSignature
}

// takes reports whether a key is one for the algorithm.
func (a algorithm) takes(key any) bool {
	switch key := key.(type) {
	case []byte:
		return a.family == "hmac" && len(key) > 0
	case *rsa.PublicKey:
		return a.family == "rsa"
	case *ecdsa.PublicKey:
		return a.family == "ec" && key.Curve.Params().BitSize == a.bits
	}
	return false
}

var errBadKey = errors.New("a configured key is malformed")

// parseKey reads a key of the section [jwt_keys].
func parseKey(family, value string) (any, error) {
	if family == "hmac" {
		secret, err := base64.StdEncoding.DecodeString(strings.TrimSpace(value))
		if err != nil {
			return nil, errBadKey
		}
		return secret, nil
	}
	block, _ := pem.Decode([]byte(strings.ReplaceAll(value, `\n`, "\n")))
	if block == nil {
		return nil, errBadKey
	}
	var key crypto.PublicKey
	var err error
	switch block.Type {
	case "CERTIFICATE":
		var certificate *x509.Certificate
		if certificate, err = x509.ParseCertificate(block.Bytes); err == nil {
			key = certificate.PublicKey
		}
	case "RSA PUBLIC KEY":
		key, err = x509.ParsePKCS1PublicKey(block.Bytes)
	default:
		key, err = x509.ParsePKIXPublicKey(block.Bytes)
	}
	if err != nil {
		return nil, errBadKey
	}
	return key, nil
}

// keyCache keeps the keys that were read of late, so that PEM is not read for
// every request.
type keyCache struct {
	mu   sync.Mutex
	keys map[[2]string]any // by family and text
}

// maxKeys bounds a keyCache.
const maxKeys = 64

func (c *keyCache) get(family, value string) (any, error) {
	id := [2]string{family, value}
	c.mu.Lock()
	defer c.mu.Unlock()
	if key, ok := c.keys[id]; ok {
		return key, nil
	}
	key, err := parseKey(family, value)
	if err != nil {
		return nil, err
	}
	if c.keys == nil || len(c.keys) >= maxKeys {
		c.keys = map[[2]string]any{}
	}
	c.keys[id] = key
	return key, nil
}
