package auth_test

import (
	"errors"
	"testing"

	"settle/server/auth"
	"settle/storage/couch"
)

var (
	anonymous = couch.UserCtx{}
	ida       = couch.UserCtx{Name: "ida", Roles: []string{"team"}}
	root      = couch.UserCtx{Name: "root", Roles: []string{couch.AdminRole}}
)

func TestRoles(t *testing.T) {
	type roles struct{ anonymous, ida auth.Role }
	const none, reader, member, admin = auth.None, auth.Reader, auth.Member, auth.Admin
	tests := map[string]roles{
		`default`:            {none, none},
		`{}`:                 {member, member},
		auth.DefaultSecurity: {none, none},
		`{"admins":{"names":[],"roles":[]},"members":{"names":[],"roles":[]}}`:  {member, member},
		`{"admins":{"names":["ida"]}}`:                                          {member, admin},
		`{"admins":{"roles":["team"]},"members":{"roles":["x"]}}`:               {none, admin},
		`{"members":{"names":["ida"]}}`:                                         {none, member},
		`{"members":{"names":["Ida"," ida","ida "]}}`:                           {none, none},
		`{"members":{"names":["team"],"roles":["ida"]}}`:                        {none, none},
		`{"members":{"roles":["team"]}}`:                                        {none, member},
		`{"members":{"roles":["_admin"]}}`:                                      {none, none},
		`{"members":{"names":[""]}}`:                                            {none, none},
		`{"members":{"names":["null"]}}`:                                        {none, none},
		`{"readers":{"names":["ida"]}}`:                                         {none, member},
		`{"readers":{"names":["ida"]},"members":{}}`:                            {member, member},
		`{"Members":{"names":["x"]},"ADMINS":{"names":["ida"]}}`:                {member, member},
		`{"members":{"names":["x"]},"members":{"names":["ida"]}}`:               {none, member},
		`{"readers_only":{"names":["ida"]}}`:                                    {none, reader},
		`{"readers_only":{"roles":["team"]},"members":{"names":[],"roles":[]}}`: {none, reader},
		`{"readers_only":{"names":["ida"]},"members":{"names":["ida"]}}`:        {none, member},
		`{"readers_only":{"names":["ida"]},"admins":{"roles":["team"]}}`:        {none, admin},
		`{"readers_only":{"names":["other"]},"members":{"names":[]}}`:           {none, none},
		`{"readers_only":{"names":[],"roles":[]}}`:                              {none, none},
		`{"extra":5,"more":{"names":5}}`:                                        {member, member},
	}
	for text, want := range tests {
		raw := []byte(text)
		if text == "default" {
			raw = nil
		}
		s, err := auth.ParseSecurity(raw)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := (roles{s.Role(anonymous), s.Role(ida)}); got != want {
			t.Errorf("%s: %v, want %v", text, got, want)
		}
		if s.Role(root) != auth.Admin {
			t.Errorf("%s: closed to server administrators", text)
		}
	}
}

func TestSecurityForm(t *testing.T) {
	for _, text := range []string{
		``, `[]`, `null`, `"x"`, `{`, `{"admins":[]}`, `{"admins":null}`, `{"members":"x"}`, `{"members":{"names":null}}`,
		`{"members":{"names":"ida"}}`, `{"members":{"roles":[1]}}`, `{"members":{"roles":[null]}}`, `{"readers":5}`,
		`{"readers_only":[]}`, `{"readers_only":{"names":{}}}`, `{"readers_only":{"roles":["a",["b"]]}}`,
	} {
		if _, err := auth.ParseSecurity([]byte(text)); !errors.Is(err, &couch.Error{Kind: couch.BadRequest}) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestDemand(t *testing.T) {
	const no, out, noAdmin = "You are not authorized to access this db.", "You are not allowed to access this db.", "You are not a db or server admin."
	tests := []struct {
		have, want auth.Role
		user       couch.UserCtx
		kind       couch.Kind
		reason     string
	}{
		{auth.None, auth.Reader, anonymous, couch.Unauthorized, no},
		{auth.None, auth.Reader, ida, couch.Forbidden, out},
		{auth.None, auth.Admin, ida, couch.Forbidden, out},
		{auth.None, auth.Admin, anonymous, couch.Unauthorized, no},
		{auth.Reader, auth.Member, ida, couch.Forbidden, "You may read this db, but not write to it."},
		{auth.Reader, auth.Admin, ida, couch.Forbidden, noAdmin},
		{auth.Member, auth.Admin, ida, couch.Forbidden, noAdmin},
		{auth.Member, auth.Admin, anonymous, couch.Unauthorized, noAdmin},
	}
	for _, tt := range tests {
		err := tt.have.Demand(tt.want, tt.user)
		if !errors.Is(err, &couch.Error{Kind: tt.kind}) || err.Error() != tt.reason {
			t.Errorf("%v for %v by %q: %v", tt.have, tt.want, tt.user.Name, err)
		}
	}
	for have := auth.None; have <= auth.Admin; have++ {
		for want := auth.None; want <= have; want++ {
			if err := have.Demand(want, ida); err != nil {
				t.Errorf("%v for %v: %v", have, want, err)
			}
		}
	}
}

func FuzzSecurity(f *testing.F) {
	f.Add([]byte(auth.DefaultSecurity))
	f.Add([]byte(`{"readers_only":{"names":["ida"],"roles":[]}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if text == nil {
			return
		}
		s, err := auth.ParseSecurity(text)
		if err != nil {
			if !errors.Is(err, &couch.Error{Kind: couch.BadRequest}) {
				t.Error(err)
			}
			return
		}
		if s.Role(anonymous) > s.Role(couch.UserCtx{Name: "a name that nobody has", Roles: []string{"b"}}) {
			t.Errorf("%q: anonymous may do more than a stranger", text)
		}
		if s.Role(anonymous) == auth.Admin && s.Role(ida) != auth.Admin {
			t.Errorf("%q: only anonymous is an administrator", text)
		}
	})
}
