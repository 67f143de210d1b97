package users

import (
	"encoding/base32"
	"encoding/json"
	"slices"
	"strings"

	"settle/server/auth"
	"settle/storage/couch"
)

// DatabaseName is the name of the database of accounts.
const DatabaseName = "_users"

// idPrefix begins the ids of users' documents.
const idPrefix = "org.couchdb.user:"

// NameOf returns the name that a document's id stands for; ok is false where it
// is no user's document.
func NameOf(id couch.DocID) (name string, ok bool) {
	return strings.CutPrefix(string(id), idPrefix)
}

// members are the members of a document. Names match exactly, unlike those of a
// struct that encoding/json fills: "Roles" is not "roles".
type members map[string]json.RawMessage

func parseMembers(body couch.Body) (members, error) {
	var m members
	if err := json.Unmarshal(body.Text, &m); err != nil {
		return nil, &couch.Error{Kind: couch.Corrupt, Err: err}
	}
	return m, nil
}

// text returns a member that is a string.
func (m members) text(name string) (string, bool) {
	var value *string
	if json.Unmarshal(m[name], &value) != nil || value == nil {
		return "", false
	}
	return *value, true
}

// number returns a member that is a number without fraction, 0 for any other.
func (m members) number(name string) int {
	var value int
	if json.Unmarshal(m[name], &value) != nil {
		return 0
	}
	return value
}

// isTruthy reports whether a member is there, and neither null, false, 0 nor "".
func (m members) isTruthy(name string) bool {
	switch raw := string(m[name]); raw {
	case "", "null", "false", `""`, "0", "0.0", "-0.0":
		return false
	}
	return true
}

// roles returns the roles; ok is false where they are no list of strings.
func (m members) roles() (roles []string, ok bool) {
	var elements []*string
	if json.Unmarshal(m["roles"], &elements) != nil || elements == nil || slices.Contains(elements, nil) {
		return nil, false
	}
	for _, element := range elements {
		roles = append(roles, *element)
	}
	return roles, true
}

// user returns what a log-in needs of a user's document, nil where it is not the
// document of that name.
func (m members) user(name string) *auth.User {
	if own, _ := m.text("name"); own != name || name == "" {
		return nil
	}
	u := &auth.User{Name: name, TOTP: m.totp()}
	roles, _ := m.roles()
	for _, role := range roles {
		if !isSystemRole(role) {
			u.Roles = append(u.Roles, role)
		}
	}
	u.Salt, _ = m.text("salt")
	u.Hash, _ = auth.ParseHashFields(m.hashFields()) // none: no password is right
	return u
}

// isSystemRole reports whether a role is one that users cannot have.
func isSystemRole(role string) bool {
	return strings.HasPrefix(role, "_") && role != "_metrics"
}

func (m members) hashFields() auth.HashFields {
	var f auth.HashFields
	scheme, _ := m.text("password_scheme")
	f.Scheme = auth.Scheme(scheme)
	f.PRF, _ = m.text("pbkdf2_prf")
	f.Salt, _ = m.text("salt")
	f.Iterations = m.number("iterations")
	f.DerivedKey, _ = m.text("derived_key")
	f.PasswordSHA, _ = m.text("password_sha")
	return f
}

// totp reads the second factor. One that cannot be read is one that no code meets.
func (m members) totp() *auth.TOTP {
	raw, ok := m["totp"]
	if !ok {
		return nil
	}
	factor := &auth.TOTP{}
	var settings members
	if json.Unmarshal(raw, &settings) != nil {
		return factor
	}
	key, _ := settings.text("key")
	key = strings.ToUpper(strings.TrimRight(key, "="))
	if decoded, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(key); err == nil {
		factor.Key = decoded
	}
	factor.Algorithm, _ = settings.text("algorithm")
	factor.Digits = settings.number("length")
	return factor
}
