package auth

import (
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"strconv"
	"strings"
)

// DefaultIterations is what CouchDB 3.5 takes for new hashes.
const DefaultIterations = 600_000

// maxIterations bounds what a stored hash may cost.
const maxIterations = 10_000_000

// Scheme is one of CouchDB's ways to keep a password.
type Scheme string

// The schemes. The salt is used as the text it is, and keys are hexadecimal.
const (
	Simple       Scheme = "simple"        // SHA-1 of password and salt
	PBKDF2       Scheme = "pbkdf2"        // PBKDF2 of the password
	SimplePBKDF2 Scheme = "simple+pbkdf2" // PBKDF2 of the hexadecimal simple hash
)

// newPRF is the function of new hashes.
const newPRF = "sha256"

// digests are CouchDB's names of hash functions.
var digests = map[string]func() hash.Hash{
	"sha": sha1.New, "sha224": sha256.New224, "sha256": sha256.New,
	"sha384": sha512.New384, "sha512": sha512.New,
}

// Hash is a password as it is kept, in any scheme that CouchDB ever wrote. It
// shows nothing of itself in logs and errors. The zero Hash opens to no password.
type Hash struct {
	scheme     Scheme
	prf        string // of the PBKDF2 schemes
	iterations int    // of the PBKDF2 schemes
	salt       string
	key        string // raw bytes
}

// HashPassword makes a hash of the kind that CouchDB 3.5 writes: PBKDF2 with
// HMAC-SHA-256 and a random salt. With DefaultIterations it takes a noticeable
// time.
func HashPassword(password string, iterations int) (Hash, error) {
	var raw [16]byte
	rand.Read(raw[:])
	return derive(password, hex.EncodeToString(raw[:]), iterations)
}

func derive(password, salt string, iterations int) (Hash, error) {
	h := Hash{scheme: PBKDF2, prf: newPRF, iterations: iterations, salt: salt}
	var err error
	h.key, err = h.compute(password)
	return h, err
}

// pbkdf2Key is what takes the time.
var pbkdf2Key = pbkdf2.Key[hash.Hash]

// compute returns the key that a password leads to. It takes as long as making
// the hash did.
func (h Hash) compute(password string) (string, error) {
	if h.scheme == Simple || h.scheme == SimplePBKDF2 {
		sum := sha1.Sum([]byte(password + h.salt))
		if h.scheme == Simple {
			return string(sum[:]), nil
		}
		password = hex.EncodeToString(sum[:])
	}
	digest := digests[h.prf]
	if digest == nil {
		return "", errBadHash
	}
	key, err := pbkdf2Key(digest, password, []byte(h.salt), h.iterations, digest().Size())
	if err != nil {
		return "", fmt.Errorf("hashing a password: %w", err)
	}
	return string(key), nil
}

// Verify reports whether a password is the one that was hashed. It takes as
// long as making the hash did.
func (h Hash) Verify(password string) bool {
	given, err := h.compute(password)
	return err == nil && len(h.key) > 0 && subtle.ConstantTimeCompare([]byte(given), []byte(h.key)) == 1
}

// equal reports whether two hashes are the same in every part.
func (h Hash) equal(other Hash) bool {
	return h.scheme == other.scheme && h.prf == other.prf && h.iterations == other.iterations && h.salt == other.salt &&
		subtle.ConstantTimeCompare([]byte(h.key), []byte(other.key)) == 1
}

var errBadHash = errors.New("a stored password hash is damaged")

// HashFields are the members of a user's document that keep the password.
type HashFields struct {
	Scheme      Scheme
	PRF         string // empty: "sha"
	Salt        string
	Iterations  int    // 0: 10000
	DerivedKey  string // of the PBKDF2 schemes
	PasswordSHA string // of the simple scheme
}

// oldIterations is what CouchDB takes where a document does not say the number.
const oldIterations = 10_000

// ParseHashFields reads the hash of a user's document. The error, which says
// nothing of the hash, means that no password could be right.
func ParseHashFields(f HashFields) (Hash, error) {
	h := Hash{scheme: f.Scheme, prf: f.PRF, iterations: f.Iterations, salt: f.Salt}
	key := f.DerivedKey
	switch f.Scheme {
	case "", Simple:
		h.scheme, h.prf, h.iterations, key = Simple, "sha", 0, f.PasswordSHA
	case PBKDF2, SimplePBKDF2:
		if h.prf == "" {
			h.prf = "sha"
		}
		if h.iterations == 0 {
			h.iterations = oldIterations
		}
	default:
		return Hash{}, errBadHash
	}
	return h.withKey(key)
}

// withKey returns the hash with its hexadecimal key, checked.
func (h Hash) withKey(key string) (Hash, error) {
	raw, err := hex.DecodeString(key)
	digest := digests[h.prf]
	switch {
	case err != nil, digest == nil, len(raw) != digest().Size():
		return Hash{}, errBadHash
	case h.scheme != Simple && (h.iterations < 1 || h.iterations > maxIterations):
		return Hash{}, errBadHash
	}
	h.key = string(raw)
	return h, nil
}

// Fields returns the members that a user's document keeps the hash in.
func (h Hash) Fields() HashFields {
	key := hex.EncodeToString([]byte(h.key))
	if h.scheme == Simple {
		return HashFields{Scheme: Simple, Salt: h.salt, PasswordSHA: key}
	}
	return HashFields{Scheme: h.scheme, PRF: h.prf, Salt: h.salt, Iterations: h.iterations, DerivedKey: key}
}

// The beginnings of an administrator's hash, as in the [admins] section of
// CouchDB's configuration: "-hashed-SHA1,SALT", "-pbkdf2-KEY,SALT,ITERATIONS"
// (of SHA-1), and "-pbkdf2:PRF-KEY,SALT,ITERATIONS".
const (
	hashedPrefix = "-hashed-"
	pbkdf2Prefix = "-pbkdf2"
)

// isHashText reports whether a text means to be a hash, not a password.
func isHashText(text string) bool {
	return strings.HasPrefix(text, hashedPrefix) || strings.HasPrefix(text, pbkdf2Prefix+"-") || strings.HasPrefix(text, pbkdf2Prefix+":")
}

// ParseHash reads the forms that the [admins] section has.
func ParseHash(text string) (Hash, error) {
	if rest, ok := strings.CutPrefix(text, hashedPrefix); ok {
		key, salt, ok := strings.Cut(rest, ",")
		if !ok || salt == "" {
			return Hash{}, errBadHash
		}
		return Hash{scheme: Simple, prf: "sha", salt: salt}.withKey(key)
	}
	rest, ok := strings.CutPrefix(text, pbkdf2Prefix)
	prf, rest, dash := strings.Cut(rest, "-")
	fields := strings.Split(rest, ",")
	if !ok || !dash || len(fields) != 3 || fields[1] == "" {
		return Hash{}, errBadHash
	}
	h := Hash{scheme: PBKDF2, prf: "sha", salt: fields[1]}
	if prf != "" {
		h.prf = strings.TrimPrefix(prf, ":")
	}
	n, err := strconv.Atoi(fields[2])
	if err != nil {
		return Hash{}, errBadHash
	}
	h.iterations = n
	return h.withKey(fields[0])
}

// Text returns the form that CouchDB keeps an administrator's hash in.
func (h Hash) Text() string {
	key := hex.EncodeToString([]byte(h.key))
	if h.scheme == Simple {
		return hashedPrefix + key + "," + h.salt
	}
	return pbkdf2Prefix + ":" + h.prf + "-" + key + "," + h.salt + "," + strconv.Itoa(h.iterations)
}

// String hides the hash from logs and errors.
func (h Hash) String() string { return "[redacted]" }

// GoString hides the hash too.
func (h Hash) GoString() string { return "[redacted]" }

// isWeakerThan reports whether a hash is to be made anew with so many iterations.
func (h Hash) isWeakerThan(iterations int) bool {
	return h.scheme != PBKDF2 || h.prf != newPRF || h.iterations < iterations
}

// decoy returns a hash that no password opens, and that takes as long to try.
func decoy(iterations int) Hash {
	key := make([]byte, sha256.Size)
	rand.Read(key)
	return Hash{scheme: PBKDF2, prf: newPRF, iterations: iterations, salt: rand.Text(), key: string(key)}
}

// makePassword returns a random password of at least 128 bits, in letters and
// digits.
func makePassword() string { return rand.Text() }
