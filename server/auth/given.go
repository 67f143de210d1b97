package auth

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"settle/storage/couch"
)

var errHashMalformed = couch.Errorf(couch.BadRequest, "The hash of an administrator's password is malformed.")

// CheckGiven checks what the environment says of the administrator, as Open does,
// before anything is made: name and password, or hash, come together or not at
// all, and the name holds no colon, which ends it where somebody logs in.
func CheckGiven(user, password string) error {
	switch {
	case (user == "") != (password == ""):
		return errors.New("COUCHDB_USER and COUCHDB_PASSWORD must be set together")
	case strings.Contains(user, ":"):
		return errors.New("COUCHDB_USER must not hold a colon")
	case isHashText(password):
		if _, err := ParseHash(password); err != nil {
			return errHashMalformed
		}
	}
	return nil
}

// CheckFileAdmins checks the administrators of a configuration file, as Open does.
// The error names one, never a password.
func CheckFileAdmins(admins map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(admins)) {
		err := checkAdmin(name, admins[name])
		if _, parseErr := ParseHash(admins[name]); err == nil && isHashText(admins[name]) && parseErr != nil {
			err = errHashMalformed
		}
		if err != nil {
			return fmt.Errorf("admins/%s: %w", name, err)
		}
	}
	return nil
}

// givenAdmin is an administrator that is named from outside.
type givenAdmin struct {
	hash Hash
	by   string // what names it
}

// takeGiven takes the administrators that the environment and the configuration
// file name.
func (a *Auth) takeGiven(o Options) (map[string]givenAdmin, error) {
	given := map[string]givenAdmin{}
	take := func(name, password, by string) error {
		hash, err := a.hashOrParse(password)
		if err == nil {
			given[name] = givenAdmin{hash, by}
		}
		return err
	}
	if o.User != "" {
		if err := take(o.User, o.Password, "COUCHDB_USER"); err != nil {
			return nil, err
		}
	}
	for name, password := range o.Admins {
		if name == o.User {
			continue
		}
		if err := take(name, password, "the configuration file"); err != nil {
			return nil, err
		}
	}
	return given, nil
}

// refuse returns why an administrator that is named from outside cannot be changed.
func (g givenAdmin) refuse() error {
	return couch.Errorf(couch.Forbidden, "This administrator is named by %s, and can be changed only there.", g.by)
}

// opens reports whether a password, or a hash, is the one in force.
func (g givenAdmin) opens(password string) bool {
	if !isHashText(password) {
		return g.hash.Verify(password)
	}
	hash, err := ParseHash(password)
	return err == nil && hash.equal(g.hash)
}
