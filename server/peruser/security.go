package peruser

import (
	"bytes"
	"encoding/json"
	"slices"

	"settle/server/auth"
	"settle/storage/couch"
	"settle/storage/docjson"
)

// lists are those of a security object that hold the user.
var lists = []string{"admins", "members"}

// withUser returns a security object in which the user stands first in both
// lists, or nil where the user is in both already. The rest stays as it is. The
// error is a BadRequest for what is no security object.
func withUser(text []byte, user string) ([]byte, error) {
	return editNames(text, func(names []string) []string {
		if slices.Contains(names, user) {
			return names
		}
		return slices.Insert(slices.Clone(names), 0, user)
	})
}

// withoutUser returns a security object without the user, or nil where the user is
// in neither list. Where that would open the database to everybody, as empty
// members do, the role "_admin" takes the user's place.
func withoutUser(text []byte, user string) ([]byte, error) {
	changed, err := editNames(text, func(names []string) []string {
		return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return name == user })
	})
	if err != nil || changed == nil {
		return nil, err
	}
	before, err := anonymousRole(text)
	if err != nil {
		return nil, err
	}
	after, err := anonymousRole(changed)
	if err != nil || after <= before {
		return changed, err
	}
	security, err := parseObject(changed)
	if err != nil {
		return nil, err
	}
	members, err := parseObject(security.get("members"))
	if err != nil {
		return nil, err
	}
	members = members.with("roles", appendStrings(nil, []string{couch.AdminRole}))
	return security.with("members", members.text()).text(), nil
}

// anonymousRole returns what a security object lets anybody do.
func anonymousRole(text []byte) (auth.Role, error) {
	security, err := auth.ParseSecurity(text)
	return security.Role(couch.UserCtx{}), err
}

// editNames edits the names of both lists; nil where that changes nothing.
func editNames(text []byte, edit func(names []string) []string) ([]byte, error) {
	if _, err := auth.ParseSecurity(text); err != nil {
		return nil, err
	}
	security, err := parseObject(text)
	if err != nil {
		return nil, err
	}
	changed := false
	for _, name := range lists {
		list, names, err := security.list(name)
		if err != nil {
			return nil, err
		}
		if edited := edit(names); !slices.Equal(names, edited) {
			list = list.with("names", appendStrings(nil, edited))
			security, changed = security.with(name, list.text()), true
		}
	}
	if !changed {
		return nil, nil
	}
	return security.text(), nil
}

// list returns a list of a security object, and the names on it. One that is
// missing is empty.
func (o object) list(name string) (list object, names []string, err error) {
	value := o.get(name)
	if value == nil {
		return object{}, nil, nil
	}
	if list, err = parseObject(value); err != nil {
		return nil, nil, err
	}
	if value = list.get("names"); value != nil {
		err = json.Unmarshal(value, &names)
	}
	return list, names, err
}

// object is a JSON object whose members keep their order.
type object []member

type member struct {
	name  string
	value []byte
}

func parseObject(text []byte) (object, error) {
	o := object{}
	r := docjson.NewReader(bytes.NewReader(text))
	for name, err := range r.Members() {
		if err != nil {
			return nil, err
		}
		value, err := r.Value()
		if err != nil {
			return nil, err
		}
		o = o.with(name, value)
	}
	return o, nil
}

// get returns a member's value, nil where there is none.
func (o object) get(name string) []byte {
	for _, m := range o {
		if m.name == name {
			return m.value
		}
	}
	return nil
}

// with returns the object with a member set, which keeps its place, or gets the last.
func (o object) with(name string, value []byte) object {
	edited := slices.Clone(o)
	for i := range edited {
		if edited[i].name == name {
			edited[i].value = value
			return edited
		}
	}
	return append(edited, member{name, value})
}

func (o object) text() []byte {
	text := []byte{'{'}
	for i, m := range o {
		if i > 0 {
			text = append(text, ',')
		}
		text = append(append(docjson.AppendString(text, m.name), ':'), m.value...)
	}
	return append(text, '}')
}

// appendStrings appends a list of strings.
func appendStrings(dst []byte, list []string) []byte {
	dst = append(dst, '[')
	for i, s := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = docjson.AppendString(dst, s)
	}
	return append(dst, ']')
}
