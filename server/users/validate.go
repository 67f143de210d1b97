package users

import (
	"encoding/json"
	"slices"
	"strings"

	"settle/storage/couch"
)

// maxOwnIterations bounds the hash that somebody who is no administrator may
// bring along: each guess of its password costs the server so many rounds.
const maxOwnIterations = 1_000_000

func forbidden(reason string) error { return &couch.Error{Kind: couch.Forbidden, Reason: reason} }

// edit is a change of a user's document that is to be checked.
type edit struct {
	id      couch.DocID
	deleted bool
	doc     members
	old     members // what is replaced; nil where there is nothing
}

// validate checks an edit by the rules of CouchDB's design document `_auth`. The
// error is a Forbidden.
func (e edit) validate(by Access) error {
	if e.deleted {
		return e.validateDeletion(by)
	}
	name, roles, err := e.validateForm()
	if err != nil {
		return err
	}
	if old, _ := e.old.text("name"); e.old != nil && old != name {
		return forbidden("Usernames can not be changed.")
	}
	if err := e.validateHash(by); err != nil {
		return err
	}
	if !by.isAdmin() {
		if err := e.validateOwn(by, name, roles); err != nil {
			return err
		}
	}
	switch {
	case slices.ContainsFunc(roles, isSystemRole):
		return forbidden("No system roles (starting with underscore) in users db.")
	case strings.HasPrefix(name, "_"):
		return forbidden("Username may not start with underscore.")
	case strings.Contains(name, ":"):
		return forbidden("Character `:` is not allowed in usernames.")
	}
	return nil
}

func (e edit) validateDeletion(by Access) error {
	name, ok := e.old.text("name")
	if by.isServerAdmin() || ok && by.User.Name != "" && name == by.User.Name {
		return nil
	}
	return forbidden("Only admins may delete other user docs.")
}

// validateForm checks what does not depend on who writes.
func (e edit) validateForm() (name string, roles []string, err error) {
	if kind, _ := e.doc.text("type"); kind != "user" {
		return "", nil, forbidden("doc.type must be user")
	}
	if !e.doc.isTruthy("name") {
		return "", nil, forbidden("doc.name is required")
	}
	if !e.doc.isTruthy("roles") {
		return "", nil, forbidden("doc.roles must exist")
	}
	var list []json.RawMessage
	if json.Unmarshal(e.doc["roles"], &list) != nil {
		return "", nil, forbidden("doc.roles must be an array")
	}
	roles, ok := e.doc.roles()
	if !ok {
		return "", nil, forbidden("doc.roles can only contain strings")
	}
	name, ok = e.doc.text("name")
	if !ok || string(e.id) != idPrefix+name {
		return "", nil, forbidden("Doc ID must be of the form org.couchdb.user:name")
	}
	return name, roles, nil
}

// validateHash checks the members that keep a password.
func (e edit) validateHash(by Access) error {
	if e.doc.isTruthy("password_sha") && !e.doc.isTruthy("salt") {
		return forbidden("Users with password_sha must have a salt.")
	}
	if e.doc.isTruthy("password_scheme") {
		scheme, _ := e.doc.text("password_scheme")
		if !slices.Contains([]string{"simple", "pbkdf2", "simple+pbkdf2"}, scheme) {
			return forbidden("Password scheme is not supported.")
		}
		if scheme == "pbkdf2" {
			var iterations *float64
			if json.Unmarshal(e.doc["iterations"], &iterations) != nil || iterations == nil {
				return forbidden("iterations must be a number.")
			}
			if _, ok := e.doc.text("derived_key"); !ok {
				return forbidden("derived_key must be a string.")
			}
		}
	}
	if !by.isAdmin() && e.doc.number("iterations") > maxOwnIterations {
		return forbidden("iterations must not be so many.")
	}
	return nil
}

// validateOwn checks what somebody who is no administrator writes.
func (e edit) validateOwn(by Access, name string, roles []string) error {
	if e.old == nil {
		if len(roles) > 0 {
			return forbidden("Only _admin may set roles")
		}
		return nil
	}
	if by.User.Name == "" || by.User.Name != name {
		return forbidden("You may only update your own user document.")
	}
	old, _ := e.old.roles()
	if !slices.Equal(slices.Sorted(slices.Values(old)), slices.Sorted(slices.Values(roles))) {
		return forbidden("Only _admin may edit roles")
	}
	return nil
}
