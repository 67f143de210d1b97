package auth

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"time"

	"settle/storage/couch"
)

// Claims are the claims that a token must have, as ParseClaims reads them. The
// zero value is CouchDB's standard, "exp".
type Claims struct {
	given    bool
	names    []string
	values   map[string]string // of those that must have one
	unusable bool
}

// claimPattern matches one claim at the beginning: a name, or {name, "value"}.
var claimPattern = regexp.MustCompile(`^\s*(?:([A-Za-z0-9_]+)|\{\s*([A-Za-z0-9_]+)\s*,\s*"([^"]*)"\s*\})\s*(?:,|$)`)

// ParseClaims reads CouchDB's jwt_auth/required_claims: names between commas, or
// pairs of the form {iss, "who"}. "" requires none. From a text that it cannot
// read it makes claims that no token has.
func ParseClaims(text string) Claims {
	c := Claims{given: true, values: map[string]string{}}
	for rest := strings.TrimSpace(text); rest != ""; {
		match := claimPattern.FindStringSubmatch(rest)
		if match == nil {
			c.unusable = true
			return c
		}
		rest = rest[len(match[0]):]
		name := match[1]
		if name == "" {
			name = match[2]
			c.values[name] = match[3]
		}
		c.names = append(c.names, name)
	}
	return c
}

// check refuses claims that lack one, or have it wrong. A time of expiry counts
// even where it is not required. Errors are BadRequest or Unauthorized.
func (c Claims) check(claims map[string]any, now time.Time) error {
	names := c.names
	if !c.given {
		names = []string{"exp"}
	}
	if c.unusable {
		return couch.Errorf(couch.BadRequest, "The required claims are not configured properly")
	}
	if _, ok := claims["exp"]; ok {
		if err := checkExpiry(claims["exp"], now); err != nil {
			return err
		}
	}
	for _, name := range names {
		value, ok := claims[name]
		if !ok {
			return couch.Errorf(couch.BadRequest, "Missing %s claim", name)
		}
		if err := c.checkOne(name, value, now); err != nil {
			return err
		}
	}
	return nil
}

func (c Claims) checkOne(name string, value any, now time.Time) error {
	invalid := couch.Errorf(couch.BadRequest, "Invalid %s claim", name)
	if want, ok := c.values[name]; ok {
		if text, isText := value.(string); !isText || text != want {
			return invalid
		}
		return nil
	}
	switch name {
	case "nbf":
		at, ok := claimTime(value)
		if !ok {
			return invalid
		}
		if at > float64(now.Unix()) {
			return couch.Errorf(couch.Unauthorized, "nbf not in past")
		}
	case "iat":
		if _, ok := claimTime(value); !ok {
			return invalid
		}
	}
	return nil
}

func checkExpiry(value any, now time.Time) error {
	at, ok := claimTime(value)
	if !ok {
		return couch.Errorf(couch.BadRequest, "Invalid exp claim")
	}
	if at <= float64(now.Unix()) {
		return couch.Errorf(couch.Unauthorized, "exp not in future")
	}
	return nil
}

// claimTime reads seconds since 1970.
func claimTime(value any) (float64, bool) {
	number, ok := value.(json.Number)
	if !ok {
		return 0, false
	}
	at, err := number.Float64()
	return at, err == nil
}

// subject returns the user that a token names, and whether it does so by a number.
func subject(claims map[string]any) (name string, numeric bool, err error) {
	switch sub := claims["sub"].(type) {
	case string:
		name = sub
	case json.Number:
		name, numeric = sub.String(), true
	}
	if name == "" {
		return "", false, couch.Errorf(couch.Unauthorized, "Token missing sub claim.")
	}
	return name, numeric, nil
}

// tokenRoles returns the roles that a token gives.
func (j JWT) tokenRoles(claims map[string]any) ([]string, error) {
	if j.RolesPath == "" {
		name := j.RolesClaim
		if name == "" {
			name = "_couchdb.roles"
		}
		return rolesOf(claims[name]), nil
	}
	var value any = claims
	for _, name := range splitPath(j.RolesPath) {
		object, _ := value.(map[string]any)
		var ok bool
		if value, ok = object[name]; !ok {
			return nil, &couch.Error{Kind: couch.NotFound, Reason: fmt.Sprintf("missing json key: %s", name)}
		}
	}
	return rolesOf(value), nil
}

// rolesOf reads roles from a list of strings, or from a text with commas.
// Anything else gives none.
func rolesOf(value any) []string {
	if text, ok := value.(string); ok {
		return splitRoles(text)
	}
	var roles []string
	elements, _ := value.([]any)
	for _, element := range elements {
		if role, ok := element.(string); ok {
			roles = append(roles, role)
		}
	}
	return roles
}

// splitPath splits a path at its dots, but for those behind a backslash.
func splitPath(path string) []string {
	names := []string{""}
	for i := 0; i < len(path); i++ {
		last := &names[len(names)-1]
		switch {
		case path[i] == '\\' && i+1 < len(path) && path[i+1] == '.':
			i++
			*last += "."
		case path[i] == '.':
			names = append(names, "")
		default:
			*last += path[i : i+1]
		}
	}
	return names
}
