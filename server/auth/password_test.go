package auth_test

import (
	"fmt"
	"strings"
	"testing"

	"settle/server/auth"
)

// The key is one that CouchDB 3.5 has computed.
const couchHash = "-pbkdf2:sha256-91a21985e61944819b1fed55b66979eb172133f620a1e278a992790a596547f4,0123456789abcdef0123456789abcdef,600000"

func TestHashOfCouchDB(t *testing.T) {
	hash, err := auth.ParseHash(couchHash)
	if err != nil {
		t.Fatal(err)
	}
	if !hash.Verify("password") {
		t.Error("the password does not open it")
	}
	if hash.Verify("passwore") || hash.Verify("") {
		t.Error("another password opens it")
	}
	if hash.Text() != couchHash {
		t.Errorf("text is %s", hash.Text())
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		if shown := fmt.Sprintf(verb, hash); shown != "[redacted]" {
			t.Errorf("%s shows %s", verb, shown)
		}
	}
}

func TestNewHashesDiffer(t *testing.T) {
	a, _ := auth.HashPassword("x", 10)
	b, _ := auth.HashPassword("x", 10)
	if a.Text() == b.Text() || !strings.HasSuffix(a.Text(), ",10") {
		t.Errorf("%s and %s", a.Text(), b.Text())
	}
}

func TestParseHashRefuses(t *testing.T) {
	key := strings.Repeat("ab", 32)
	for _, text := range []string{
		"", "password", "-pbkdf2-" + key + ",salt,10", "-hashed-" + key + ",salt",
		"-pbkdf2:sha256-" + key, "-pbkdf2:sha256-" + key + ",salt", "-pbkdf2:sha256-" + key + ",,10",
		"-pbkdf2:sha256-" + key + ",salt,0", "-pbkdf2:sha256-" + key + ",salt,-1", "-pbkdf2:sha256-" + key + ",salt,x",
		"-pbkdf2:sha256-" + key + ",salt,10,11", "-pbkdf2:sha256-" + key + ",salt,10000001",
		"-pbkdf2:sha256-" + key[1:] + ",salt,10", "-pbkdf2:sha256-zz" + key[2:] + ",salt,10",
	} {
		if _, err := auth.ParseHash(text); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}

func FuzzParseHash(f *testing.F) {
	f.Add(couchHash)
	f.Fuzz(func(t *testing.T, text string) {
		hash, err := auth.ParseHash(text)
		if err != nil {
			return
		}
		again, err := auth.ParseHash(hash.Text())
		if err != nil || again.Text() != hash.Text() {
			t.Errorf("%q came back as %q: %v", text, hash.Text(), err)
		}
	})
}
