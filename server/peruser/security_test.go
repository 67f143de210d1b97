package peruser_test

import (
	"testing"
	"unicode/utf8"

	"settle/server/auth"
	"settle/server/peruser"
	"settle/storage/couch"
)

func TestSecurity(t *testing.T) {
	const both = `{"members":{"roles":["_admin"],"names":["jan"]},"admins":{"roles":["_admin"],"names":["jan"]}}`
	for _, tt := range []struct {
		name, before string
		with         string // "": as before
		without      string // "": as before
	}{
		{name: "the standard", before: auth.DefaultSecurity, with: both},
		{name: "in both", before: both, without: `{"members":{"roles":["_admin"],"names":[]},"admins":{"roles":["_admin"],"names":[]}}`},
		{name: "empty", before: `{}`, with: `{"admins":{"names":["jan"]},"members":{"names":["jan"]}}`},
		{
			name:    "others and other members stay",
			before:  `{"x":[1,{"y":null}],"members":{"names":["eve"],"roles":["r"]},"admins":{"names":[]},"readers_only":{"names":["bob"]}}`,
			with:    `{"x":[1,{"y":null}],"members":{"names":["jan","eve"],"roles":["r"]},"admins":{"names":["jan"]},"readers_only":{"names":["bob"]}}`,
			without: "",
		},
		{
			name:    "only the user: it does not become public",
			before:  `{"admins":{"names":["jan"]},"members":{"names":["jan"],"roles":[]}}`,
			without: `{"admins":{"names":[]},"members":{"names":[],"roles":["_admin"]}}`,
		},
		{
			name:    "only the user, without roles",
			before:  `{"members":{"names":["jan","jan"]}}`,
			with:    `{"members":{"names":["jan","jan"]},"admins":{"names":["jan"]}}`,
			without: `{"members":{"names":[],"roles":["_admin"]}}`,
		},
		{
			name:    "readers keep it closed",
			before:  `{"readers_only":{},"members":{"names":["jan"]},"admins":{"names":["jan"]}}`,
			without: `{"readers_only":{},"members":{"names":[]},"admins":{"names":[]}}`,
		},
		{
			name:    "public before",
			before:  `{"admins":{"names":["jan","eve"]}}`,
			with:    `{"admins":{"names":["jan","eve"]},"members":{"names":["jan"]}}`,
			without: `{"admins":{"names":["eve"]}}`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for what, edit := range map[string]struct {
				do   func([]byte, string) ([]byte, error)
				want string
			}{"with": {peruser.WithUser, tt.with}, "without": {peruser.WithoutUser, tt.without}} {
				got, err := edit.do([]byte(tt.before), "jan")
				if err != nil || string(got) != edit.want {
					t.Errorf("%s: %s, %v\nwant %s", what, got, err, edit.want)
				}
			}
		})
	}
}

func TestSecurityThatIsNone(t *testing.T) {
	for _, text := range []string{"", "[]", "{", `{"admins":[]}`, `{"members":{"names":"jan"}}`} {
		if got, err := peruser.WithUser([]byte(text), "jan"); err == nil {
			t.Errorf("%s with a user is %s", text, got)
		}
		if got, err := peruser.WithoutUser([]byte(text), "jan"); err == nil {
			t.Errorf("%s without a user is %s", text, got)
		}
	}
}

// FuzzSecurity wants of every security object: the user is an administrator after
// the first edit and is named nowhere after the second, each edit changes nothing
// when it is done again, and nobody else gets more by the second.
func FuzzSecurity(f *testing.F) {
	f.Add(`{"members":{"names":["jan"],"roles":[]},"admins":{}}`, "jan")
	f.Add(`{"readers":{"names":["jan"]}}`, "é\"")
	f.Fuzz(func(t *testing.T, text, user string) {
		before, err := auth.ParseSecurity([]byte(text))
		if err != nil || user == "" || !utf8.ValidString(user) || !utf8.ValidString(text) {
			return
		}
		anybody, named := couch.UserCtx{}, couch.UserCtx{Name: user}
		with := edit(t, peruser.WithUser, text, user)
		if role := parse(t, with).Role(named); role != auth.Admin {
			t.Errorf("%s: the user is %v", with, role)
		}
		if again, err := peruser.WithUser([]byte(with), user); again != nil || err != nil {
			t.Errorf("once more: %s, %v", again, err)
		}
		without := edit(t, peruser.WithoutUser, with, user)
		if parse(t, without).Role(anybody) > before.Role(anybody) {
			t.Errorf("%s is opened by %s", text, without)
		}
		if again, err := peruser.WithoutUser([]byte(without), user); again != nil || err != nil {
			t.Errorf("once more: %s, %v", again, err)
		}
	})
}

func edit(t *testing.T, do func([]byte, string) ([]byte, error), text, user string) string {
	t.Helper()
	changed, err := do([]byte(text), user)
	if err != nil {
		t.Skip() // a text that encoding/json reads and docjson does not
	}
	if changed == nil {
		return text
	}
	return string(changed)
}

func parse(t *testing.T, text string) auth.Security {
	t.Helper()
	s, err := auth.ParseSecurity([]byte(text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return s
}
