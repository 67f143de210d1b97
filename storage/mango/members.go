package mango

import (
	"encoding/json"

	"settle/storage/collate/jsonscan"
	"settle/storage/couch"
)

// member is a member of a JSON object, in the order in which it stands there.
type member struct {
	name  string
	value []byte // JSON
}

// membersOf reads the members of an object; of those with one name the last counts,
// at the place of the first.
func membersOf(object []byte) ([]member, error) {
	var all []member
	for raw, value := range jsonscan.Members(object) {
		name, ok := jsonscan.Unescape(nil, raw)
		if !ok {
			return nil, errJSON
		}
		all = set(all, string(name), jsonscan.Value(value))
	}
	return all, nil
}

// set replaces the value of a member, or adds one.
func set(all []member, name string, value []byte) []member {
	for i := range all {
		if all[i].name == name {
			all[i].value = value
			return all
		}
	}
	return append(all, member{name, value})
}

func get(all []member, name string) []byte {
	for _, m := range all {
		if m.name == name {
			return m.value
		}
	}
	return nil
}

func remove(all []member, name string) []member {
	kept := all[:0:0]
	for _, m := range all {
		if m.name != name {
			kept = append(kept, m)
		}
	}
	return kept
}

func appendMembers(dst []byte, all []member) []byte {
	dst = append(dst, '{')
	for i, m := range all {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(append(appendString(dst, m.name), ':'), m.value...)
	}
	return append(dst, '}')
}

// request is the members of a request's body, which are taken out one by one: what
// is left has no use. The first error stays.
type request struct {
	members []member
	err     error
}

// parseRequest reads a body, as docjson prints it.
func parseRequest(body []byte) *request {
	if len(body) > maxSelector {
		return &request{err: errLength}
	}
	if !json.Valid(body) {
		return &request{err: errJSON}
	}
	if jsonscan.KindOf(body) != jsonscan.Object {
		return &request{err: couch.Errorf(couch.BadRequest, "Request body must be a JSON object")}
	}
	all, err := membersOf(append([]byte(nil), body...))
	return &request{members: all, err: err}
}

// take removes a member and returns its value; nil where there is none, or after
// an error.
func (r *request) take(name string) []byte {
	if r.err != nil {
		return nil
	}
	value := get(r.members, name)
	r.members = remove(r.members, name)
	return value
}

// keep is take for a member whose text is wanted too.
func (r *request) keep(name string, text *[]byte) []byte {
	value := r.take(name)
	if value != nil {
		*text = value
	}
	return value
}

// need is take for a member that must be there.
func (r *request) need(name string) []byte {
	value := r.take(name)
	if value == nil {
		r.fail(couch.Errorf(couch.MissingKey, "Missing required key: %s", name))
	}
	return value
}

func (r *request) fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

// end fails where members are left.
func (r *request) end() error {
	if r.err == nil && len(r.members) > 0 {
		r.err = couch.Errorf(couch.InvalidKey, "Invalid key %s for this request.", cut(r.members[0].name))
	}
	return r.err
}

// boolean takes true or false.
func (r *request) boolean(name string, otherwise bool) bool {
	value := r.take(name)
	switch jsonscan.KindOf(value) {
	case jsonscan.True:
		return true
	case jsonscan.False:
		return false
	}
	if value != nil {
		r.fail(couch.Errorf(couch.InvalidBoolean, "Invalid boolean value: %s", term(value)))
	}
	return otherwise
}

// count takes an integer from zero on, positive one from one on. What is beyond an
// int is the greatest.
func (r *request) count(name string, otherwise int) int {
	value := r.take(name)
	if value == nil {
		return otherwise
	}
	n, ok := parseCount(value)
	if !ok {
		r.fail(couch.Errorf(couch.InvalidCount, "%s is not an integer greater than or equal to zero", term(value)))
	}
	return n
}

func (r *request) positive(name string, otherwise int) int {
	value := r.take(name)
	if value == nil {
		return otherwise
	}
	n, ok := parseCount(value)
	if !ok || n == 0 {
		r.fail(couch.Errorf(couch.InvalidPositive, "%s is not an integer greater than zero", term(value)))
	}
	return n
}
