package users_test

import (
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"settle/storage/couch"
)

// storedHash is how a user's document keeps the password.
type storedHash struct {
	Scheme     string `json:"password_scheme"`
	PRF        string `json:"pbkdf2_prf"`
	Iterations int    `json:"iterations"`
	Salt       string `json:"salt"`
	SHA        string `json:"password_sha"`
	DerivedKey string `json:"derived_key"`
}

const oldSalt = "abcdef"

// oldHashes are documents' members for the password "secret", in every form that
// CouchDB has written and that a log-in renews.
func oldHashes(t *testing.T) map[string]string {
	sum := sha1.Sum([]byte("secret" + oldSalt))
	simple := hex.EncodeToString(sum[:])
	all := map[string]string{
		"simple":    fmt.Sprintf(`"password_scheme":"simple","salt":"%s","password_sha":"%s"`, oldSalt, simple),
		"no scheme": fmt.Sprintf(`"salt":"%s","password_sha":"%s"`, oldSalt, simple),
	}
	add := func(scheme, prf, password string, iterations int, digest func() hash.Hash) {
		key, err := pbkdf2.Key(digest, password, []byte(oldSalt), iterations, digest().Size())
		if err != nil {
			t.Fatal(err)
		}
		member := ""
		if prf != "" {
			member = `"pbkdf2_prf":"` + prf + `",`
		}
		all[fmt.Sprintf("%s %s %d", scheme, prf, iterations)] = fmt.Sprintf(
			`"password_scheme":"%s",%s"iterations":%d,"salt":"%s","derived_key":"%x"`, scheme, member, iterations, oldSalt, key)
	}
	for prf, digest := range map[string]func() hash.Hash{
		"": sha1.New, "sha": sha1.New, "sha224": sha256.New224, "sha256": sha256.New, "sha384": sha512.New384, "sha512": sha512.New,
	} {
		for _, iterations := range []int{9, 10, 11} {
			add("simple+pbkdf2", prf, simple, iterations, digest)
			if prf != "sha256" || iterations < 10 { // what new ones are
				add("pbkdf2", prf, "secret", iterations, digest)
			}
		}
	}
	return all
}

// A log-in with a hash of any older kind stores a new one, and the password stays.
func TestRenewalOfEveryScheme(t *testing.T) {
	key, err := pbkdf2.Key(sha256.New, "secret", []byte(oldSalt), 10, sha256.Size)
	if err != nil {
		t.Fatal(err)
	}
	want := storedHash{Scheme: "pbkdf2", PRF: "sha256", Iterations: 10, Salt: oldSalt, DerivedKey: hex.EncodeToString(key)}
	for kind, members := range oldHashes(t) {
		t.Run(kind, func(t *testing.T) {
			b := newBench(t)
			b.mustPut(account("old", members))
			logIn := func() {
				t.Helper()
				for pair, want := range map[string]string{"old:wrong": incorrect, "old:secret": "old as "} {
					if got := b.login(pair); got != want {
						t.Errorf("%s: %s, want %s", pair, got, want)
					}
				}
			}
			logIn()
			if diff := cmp.Diff(want, b.renewed("old")); diff != "" {
				t.Errorf("stored (-want +got):\n%s", diff)
			}
			logIn()
		})
	}
}

// renewed waits until a user's document is in its second revision, and returns the
// hash in it.
func (b *bench) renewed(name string) storedHash {
	b.t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		doc, err := b.db.Get(b.t.Context(), couch.DocID("org.couchdb.user:"+name), couch.GetOptions{})
		if err != nil {
			b.t.Fatal(err)
		}
		if doc.Rev().Gen < 2 {
			continue
		}
		var stored storedHash
		if err := json.Unmarshal(doc.Body.Text, &stored); err != nil {
			b.t.Fatal(err)
		}
		return stored
	}
	b.t.Fatal("in a minute the hash was not renewed")
	return storedHash{}
}
