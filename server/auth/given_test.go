package auth_test

import (
	"strings"
	"testing"

	"settle/server/auth"
)

func TestCheckGiven(t *testing.T) {
	for _, tt := range []struct{ user, password, want string }{
		{"", "", ""},
		{"admin", "pass", ""},
		{"admin", "-pass", ""},
		{"admin", "pa:ss", ""},
		{"admin", "-hashed-" + strings.Repeat("ab", 20) + ",salt", ""},
		{"admin", "", "together"},
		{"", "pass", "together"},
		{"ad:min", "pass", "colon"},
		{"admin", "-hashed-ab,salt", "malformed"},
		{"admin", "-pbkdf2-secret", "malformed"},
	} {
		err := auth.CheckGiven(tt.user, tt.password)
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q %q: %v, want %q", tt.user, tt.password, err, tt.want)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("the error shows the password: %v", err)
		}
	}
}
