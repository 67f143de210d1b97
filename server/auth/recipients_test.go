package auth_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"filippo.io/age"

	"settle/server/auth"
	"settle/storage/couch"
)

func TestDeliverers(t *testing.T) {
	for text, want := range map[string]auth.Rights{
		`{"deliverers":{"names":["ida"]}}`:                                       {Delivers: true},
		`{"deliverers":{"roles":["team"]},"members":{"names":[],"roles":[]}}`:    {Delivers: true},
		`{"deliverers":{"names":["x"]}}`:                                         {},
		`{"deliverers":{}}`:                                                      {},
		`{"deliverers":{"names":["ida"]},"readers_only":{"names":["ida"]}}`:      {Role: auth.Reader, Delivers: true},
		`{"deliverers":{"names":["ida"]},"members":{"roles":["team"]}}`:          {Role: auth.Member, Delivers: true},
		`{"deliverers":{"names":["x"]},"members":{"roles":["team"]}}`:            {Role: auth.Member, Delivers: true},
		`{"deliverers":{"names":["x"]},"readers_only":{"roles":["team"]}}`:       {Role: auth.Reader},
		`{"deliverers":{"names":["x"]},"admins":{"roles":["team"]}}`:             {Role: auth.Admin, Delivers: true},
		`{"Deliverers":{"names":["x"]}}`:                                         {Role: auth.Member, Delivers: true},
		`{"deliverers":{"names":["","null","Ida"]},"members":{"names":["ada"]}}`: {},
	} {
		s, err := auth.ParseSecurity([]byte(text))
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := s.Rights(ida); got != want {
			t.Errorf("%s: %+v, want %+v", text, got, want)
		}
		if got := s.Rights(anonymous); got.Delivers && got.Role < auth.Member {
			t.Errorf("%s: anonymous delivers", text)
		}
		if s.Rights(root) != (auth.Rights{Role: auth.Admin, Delivers: true}) {
			t.Errorf("%s: closed to server administrators", text)
		}
	}
}

func TestRecipients(t *testing.T) {
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	key := identity.Recipient().String()
	const lowOrder = "age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq5cu47z"
	for list, want := range map[string]int{
		`[]`: 0, fmt.Sprintf(`[%q]`, key): 1, fmt.Sprintf(`[%q,%q]`, key, key): 1,
		`null`: -1, `{}`: -1, `""`: -1, `[1]`: -1, `[null]`: -1, `[""]`: -1, fmt.Sprintf(`[%q]`, key[:len(key)-1]): -1,
		fmt.Sprintf(`[%q,"x"]`, key): -1, fmt.Sprintf(`[%q]`, identity): -1, fmt.Sprintf(`[" %s"]`, key): -1,
		fmt.Sprintf(`[%q]`, lowOrder): -1, `["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEKQ"]`: -1,
		`["` + strings.Repeat(key+`","`, 64) + key + `"]`: -1,
	} {
		s, err := auth.ParseSecurity([]byte(`{"recipients":` + list + `}`))
		if err == nil {
			err = s.CheckRecipients()
		}
		if want < 0 {
			if !errors.Is(err, &couch.Error{Kind: couch.BadRequest}) {
				t.Errorf("%s: %v", list, err)
			} else if strings.Contains(err.Error(), "SECRET") {
				t.Errorf("the error shows a secret: %v", err)
			}
			continue
		}
		recipients, parseErr := s.Recipients()
		if err != nil || parseErr != nil || len(recipients) != want {
			t.Errorf("%s: %d recipients, %v, %v", list, len(recipients), err, parseErr)
		}
	}
}
