package auth_test

import (
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"settle/server/auth"
	"settle/storage/couch"
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
	f.Add("-hashed-7e4b9f15c67da0f334a207e81b34e99830ace24f,abcdef")
	f.Add("-pbkdf2-16d51d2b6f231c926e6d5b5e8417a9cd6b95c73d,salt,10")
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

func TestSchemes(t *testing.T) {
	const salt = "0123456789abcdef0123456789abcdef"
	tests := map[string]struct {
		fields auth.HashFields
		want   string
	}{
		"simple":      {auth.HashFields{Scheme: auth.Simple, Salt: "abcdef", PasswordSHA: "7e4b9f15c67da0f334a207e81b34e99830ace24f"}, "secret"},
		"no scheme":   {auth.HashFields{Salt: "abcdef", PasswordSHA: "7E4B9F15C67DA0F334A207E81B34E99830ACE24F"}, "secret"},
		"pbkdf2 sha1": {auth.HashFields{Scheme: auth.PBKDF2, Salt: salt, Iterations: 10, DerivedKey: "16d51d2b6f231c926e6d5b5e8417a9cd6b95c73d"}, "secret"},
		"pbkdf2 sha512": {auth.HashFields{Scheme: auth.PBKDF2, PRF: "sha512", Salt: salt, Iterations: 10,
			DerivedKey: "a433f7705ab96c28def35f44f72df358c078516b63663aa6cd42b4a397b715023c7db81c819bd97417511cc67b80f9c659421f8f3622e8344909ca714f48ca96"}, "secret"},
		"pbkdf2 sha256": {auth.HashFields{Scheme: auth.PBKDF2, PRF: "sha256", Salt: salt, Iterations: 600000,
			DerivedKey: "f973d5e731d4678e42390e5053e17790ece0d8bda81a7ca444c987c880b5241a"}, "secret"},
		"simple+pbkdf2": {auth.HashFields{Scheme: auth.SimplePBKDF2, PRF: "sha256", Salt: salt, Iterations: 10, DerivedKey: simplePBKDF2(t, "secret", salt)}, "secret"},
	}
	for name, tt := range tests {
		hash, err := auth.ParseHashFields(tt.fields)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !hash.Verify(tt.want) || hash.Verify(tt.want+"x") || hash.Verify("") {
			t.Errorf("%s: opens to the wrong password, or not to the right one", name)
		}
		fields := hash.Fields()
		if again, err := auth.ParseHashFields(fields); err != nil || again != hash {
			t.Errorf("%s: its fields do not read back: %v", name, err)
		}
	}
}

// simplePBKDF2 builds the key of the mixed scheme from its two halves.
func simplePBKDF2(t *testing.T, password, salt string) string {
	sum := sha1.Sum([]byte(password + salt))
	hash, err := auth.Derive(hex.EncodeToString(sum[:]), salt, 10)
	if err != nil {
		t.Fatal(err)
	}
	return hash.Fields().DerivedKey
}

func TestParseHashFieldsRefuses(t *testing.T) {
	key := strings.Repeat("ab", 32)
	for _, f := range []auth.HashFields{
		{}, {Scheme: "plain", DerivedKey: key}, {Scheme: auth.Simple, PasswordSHA: key},
		{Scheme: auth.PBKDF2, PRF: "md5", Iterations: 1, DerivedKey: key}, {Scheme: auth.PBKDF2, PRF: "sha256", Iterations: -1, DerivedKey: key},
		{Scheme: auth.PBKDF2, PRF: "sha256", Iterations: 10_000_001, DerivedKey: key}, {Scheme: auth.PBKDF2, PRF: "sha256", Iterations: 1},
		{Scheme: auth.PBKDF2, PRF: "sha256", Iterations: 1, DerivedKey: key[2:]}, {Scheme: auth.PBKDF2, PRF: "sha256", Iterations: 1, DerivedKey: "x" + key[1:]},
	} {
		if _, err := auth.ParseHashFields(f); err == nil {
			t.Errorf("%+v was taken", f)
		}
	}
	if (auth.Hash{}).Verify("") {
		t.Error("no hash opens to no password")
	}
}

func TestAdminForms(t *testing.T) {
	for _, text := range []string{
		"-hashed-7e4b9f15c67da0f334a207e81b34e99830ace24f,abcdef",
		"-pbkdf2-16d51d2b6f231c926e6d5b5e8417a9cd6b95c73d,0123456789abcdef0123456789abcdef,10",
		"-pbkdf2:sha-16d51d2b6f231c926e6d5b5e8417a9cd6b95c73d,0123456789abcdef0123456789abcdef,10",
	} {
		hash, err := auth.ParseHash(text)
		if err != nil || !hash.Verify("secret") || hash.Verify("Secret") {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if again, err := auth.ParseHash(hash.Text()); err != nil || again != hash {
			t.Errorf("%s: printed as %s: %v", text, hash.Text(), err)
		}
	}
}

func TestPasswordRules(t *testing.T) {
	policy := policies()
	policy.Passwords = []auth.PasswordRule{
		{Pattern: regexp.MustCompile(`[A-Z]`)}, {Pattern: regexp.MustCompile(`.{5,}`), Reason: "At least 5 characters."},
	}
	a := open(t, stored(t), policy)
	for password, want := range map[string]string{
		"Secret": "", "secret": "Password does not conform to requirements.", "Sec": "Password does not conform to requirements. At least 5 characters.",
	} {
		_, err := a.Hash(t.Context(), password)
		if (err == nil) != (want == "") || err != nil && (err.Error() != want || !errors.Is(err, &couch.Error{Kind: couch.BadRequest})) {
			t.Errorf("%s: %v, want %q", password, err, want)
		}
	}
}
