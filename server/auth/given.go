package auth

import (
	"errors"
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
