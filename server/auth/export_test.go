package auth

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
