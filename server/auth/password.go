package auth

import (
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// DefaultIterations is what CouchDB 3.5 takes for new hashes.
const DefaultIterations = 600_000

// maxIterations bounds what a stored hash may cost.
const maxIterations = 10_000_000

// hashPrefix begins the text of a hash, as in the [admins] section of CouchDB's
// configuration: "-pbkdf2:sha256-KEY,SALT,ITERATIONS", key in hexadecimal.
const hashPrefix = "-pbkdf2:sha256-"

// Hash is a password's PBKDF2-HMAC-SHA-256. The salt is used as the text it is.
type Hash struct {
	key        [sha256.Size]byte
	salt       string
	iterations int
}

// HashPassword makes a hash with a random salt. With DefaultIterations it takes
// a noticeable time.
func HashPassword(password string, iterations int) (Hash, error) {
	var raw [16]byte
	rand.Read(raw[:])
	return derive(password, hex.EncodeToString(raw[:]), iterations)
}

func derive(password, salt string, iterations int) (Hash, error) {
	key, err := pbkdf2.Key(sha256.New, password, []byte(salt), iterations, sha256.Size)
	if err != nil {
		return Hash{}, fmt.Errorf("hashing a password: %w", err)
	}
	return Hash{key: [sha256.Size]byte(key), salt: salt, iterations: iterations}, nil
}

var errBadHash = errors.New("a stored password hash is damaged")

// ParseHash reads the form that Text gives.
func ParseHash(text string) (Hash, error) {
	rest, ok := strings.CutPrefix(text, hashPrefix)
	fields := strings.Split(rest, ",")
	if !ok || len(fields) != 3 {
		return Hash{}, errBadHash
	}
	key, err := hex.DecodeString(fields[0])
	if err != nil || len(key) != sha256.Size {
		return Hash{}, errBadHash
	}
	n, err := strconv.Atoi(fields[2])
	if err != nil || n < 1 || n > maxIterations || fields[1] == "" {
		return Hash{}, errBadHash
	}
	return Hash{key: [sha256.Size]byte(key), salt: fields[1], iterations: n}, nil
}

// Text returns the form that CouchDB keeps, and settle stores.
func (h Hash) Text() string {
	return hashPrefix + hex.EncodeToString(h.key[:]) + "," + h.salt + "," + strconv.Itoa(h.iterations)
}

// String hides the hash from logs and errors.
func (h Hash) String() string { return "[redacted]" }

// GoString hides the hash too.
func (h Hash) GoString() string { return "[redacted]" }

// Verify reports whether a password is the one that was hashed. It takes as
// long as making the hash did.
func (h Hash) Verify(password string) bool {
	given, err := derive(password, h.salt, h.iterations)
	return err == nil && subtle.ConstantTimeCompare(given.key[:], h.key[:]) == 1
}

// decoy returns a hash that no password opens, and that takes as long to try.
func decoy(iterations int) Hash {
	h := Hash{salt: rand.Text(), iterations: iterations}
	rand.Read(h.key[:])
	return h
}

// makePassword returns a random password of at least 128 bits, in letters and
// digits.
func makePassword() string { return rand.Text() }
