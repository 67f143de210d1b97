package auth

import (
	"crypto/pbkdf2"
	"hash"
	"sync/atomic"
	"testing"
	"time"
)

// NewToken makes a cookie's value, as a log-in does.
func NewToken(name string, issued int64, secret, salt string) string {
	return newToken(name, issued, cookieKey([]byte(secret), salt), standardAlgorithms).encode()
}

// DecodeToken reads a cookie's value.
func DecodeToken(value string) (name string, issued int64, mac []byte, err error) {
	t, err := decodeToken(value)
	return t.name, t.issued, t.mac, err
}

// Derive hashes a password with a given salt.
var Derive = derive

// ParseBasic reads an Authorization header.
var ParseBasic = parseBasic

// ParseToken takes a JSON web token apart.
func ParseToken(text string) (claims map[string]any, err error) {
	t, err := parseToken(text)
	if err != nil {
		return nil, err
	}
	return t.claims, nil
}

// MaxVerified bounds how many passwords are remembered.
const MaxVerified = maxVerified

// Code returns the code of a second factor at a time, in seconds since 1970.
func (t *TOTP) Code(at int64) string { return t.code(uint64(at) / 30) }

// Client returns where a request comes from.
var Client = Lockout.client

// Records returns how many failures are remembered.
func (a *Auth) Records() (records, order int) {
	return len(a.failures.records), len(a.failures.order)
}

// UnderWay returns for how much guesses count that are being tried.
func (a *Auth) UnderWay() int { return len(a.failures.underWay) }

// CountIterations calls f, and returns how many rounds of key derivation it took.
// Nothing else may derive keys meanwhile.
func CountIterations(f func()) int {
	var total atomic.Int64
	pbkdf2Key = func(h func() hash.Hash, password string, salt []byte, iterations, length int) ([]byte, error) {
		total.Add(int64(iterations))
		return pbkdf2.Key(h, password, salt, iterations, length)
	}
	defer func() { pbkdf2Key = pbkdf2.Key[hash.Hash] }()
	f()
	return int(total.Load())
}

// SlowHashes lets each key derivation of a test take so long, as synctest measures it.
// Nothing else may derive keys meanwhile.
func SlowHashes(t *testing.T, d time.Duration) {
	pbkdf2Key = func(h func() hash.Hash, password string, salt []byte, iterations, length int) ([]byte, error) {
		time.Sleep(d)
		return pbkdf2.Key(h, password, salt, iterations, length)
	}
	t.Cleanup(func() { pbkdf2Key = pbkdf2.Key[hash.Hash] })
}
