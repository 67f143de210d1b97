package users

import (
	"bytes"
	"slices"
	"strconv"

	"settle/server/auth"
	"settle/storage/couch"
	"settle/storage/docjson"
)

// passwordMembers are the members that a new password replaces.
var passwordMembers = []string{
	"password", "password_scheme", "pbkdf2_prf", "salt", "iterations", "derived_key", "password_sha",
}

// withHash returns a body in which a hash takes the place of a password, and of
// any other hash. As in CouchDB the hash's members stand first.
func withHash(body couch.Body, hash auth.Hash) (couch.Body, error) {
	f := hash.Fields()
	text := []byte(`{"password_scheme":`)
	text = docjson.AppendString(text, string(f.Scheme))
	for _, member := range [][2]string{{"pbkdf2_prf", f.PRF}, {"salt", f.Salt}} {
		text = appendName(text, member[0])
		text = docjson.AppendString(text, member[1])
	}
	text = strconv.AppendInt(appendName(text, "iterations"), int64(f.Iterations), 10)
	text = docjson.AppendString(appendName(text, "derived_key"), f.DerivedKey)
	text, err := appendMembers(text, body, func(name string) bool { return !slices.Contains(passwordMembers, name) })
	if err != nil {
		return couch.Body{}, err
	}
	return bodyOf(append(text, '}'))
}

// withOnly returns a body with some of its members.
func withOnly(body couch.Body, names []string) (couch.Body, error) {
	text, err := appendMembers([]byte{'{'}, body, func(name string) bool { return slices.Contains(names, name) })
	if err != nil {
		return couch.Body{}, err
	}
	return couch.Body{Text: append(text, '}')}, nil
}

// appendMembers appends the members of a body that are wanted to an object that
// has been begun.
func appendMembers(dst []byte, body couch.Body, wanted func(name string) bool) ([]byte, error) {
	r := docjson.NewReader(bytes.NewReader(body.Text))
	for name, err := range r.Members() {
		if err != nil {
			return nil, err
		}
		if !wanted(name) {
			continue
		}
		value, err := r.Value()
		if err != nil {
			return nil, err
		}
		dst = append(appendName(dst, name), value...)
	}
	return dst, nil
}

// appendName appends a member's name to an object that has been begun.
func appendName(dst []byte, name string) []byte {
	if len(dst) > 1 {
		dst = append(dst, ',')
	}
	return append(docjson.AppendString(dst, name), ':')
}

func bodyOf(text []byte) (couch.Body, error) {
	term, err := docjson.Term(text)
	return couch.Body{Text: text, Term: term}, err
}
