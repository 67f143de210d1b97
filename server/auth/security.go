package auth

import (
	"encoding/json"
	"slices"

	"settle/storage/couch"
)

// DefaultSecurity is the security object of a database that was never given one.
const DefaultSecurity = `{"members":{"roles":["_admin"]},"admins":{"roles":["_admin"]}}`

// Role is what somebody may do in a database. Each role includes those below it.
type Role int

// The roles.
const (
	None   Role = iota // nothing
	Reader             // read, and write local documents
	Member             // write documents too
	Admin              // write design documents, change settings
)

// Rights are what somebody may do in a database.
type Rights struct {
	Role Role
	// Delivers: may deliver into the database, which any member may, too.
	Delivers bool
}

// Security is a database's security object.
type Security struct {
	admins, members, readers, deliverers list
	// restricted says that not everybody is a member.
	restricted bool
	recipients []string
}

// list is a group of a security object.
type list struct{ names, roles []string }

// ParseSecurity reads a security object, and the default one where text is nil:
//
//	{"admins": L, "members": L, "readers_only": L, "deliverers": L, "recipients": [R, …], …},
//	each L {"names": […], "roles": […]}, each R "age1…"
//
// Each member may be missing, and others may be anything. Where "members" is
// missing its old name "readers" counts. The error is a BadRequest for what is no
// object, and for a list that is not of that form; of a recipient's form
// [Security.CheckRecipients] tells.
//
// Members may read and write; where they are empty everybody may. The others are
// settle's own. Who stands in "readers_only", and not in those before, may read and
// replicate, but not write documents. Who stands in "deliverers" may deliver, which
// reads nothing. A database that has one of the two lists, even an empty one, is not
// open to everybody. "recipients" are whom deliveries are sealed to.
func ParseSecurity(text []byte) (Security, error) {
	if text == nil {
		text = []byte(DefaultSecurity)
	}
	var object map[string]json.RawMessage // members' names match exactly
	if err := json.Unmarshal(text, &object); err != nil || object == nil {
		return Security{}, couch.Errorf(couch.BadRequest, "The security object must be a JSON object")
	}
	groups := map[string]list{}
	for _, name := range []string{"admins", "members", "readers", "readers_only", "deliverers"} {
		raw, ok := object[name]
		if !ok {
			continue
		}
		group, err := parseGroup(name, raw)
		if err != nil {
			return Security{}, err
		}
		groups[name] = group
	}
	members, ok := groups["members"]
	if !ok {
		members = groups["readers"]
	}
	recipients, err := parseRecipients(object["recipients"])
	if err != nil {
		return Security{}, err
	}
	readers, hasReaders := groups["readers_only"]
	deliverers, hasDeliverers := groups["deliverers"]
	return Security{
		admins: groups["admins"], members: members, readers: readers, deliverers: deliverers, recipients: recipients,
		restricted: hasReaders || hasDeliverers || len(members.names) > 0 || len(members.roles) > 0,
	}, nil
}

func parseGroup(name string, raw json.RawMessage) (list, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil || members == nil {
		return list{}, couch.Errorf(couch.BadRequest, "`%s` of a security object must be an object", name)
	}
	var group list
	for key, into := range map[string]*[]string{"names": &group.names, "roles": &group.roles} {
		raw, ok := members[key]
		if !ok {
			continue
		}
		if err := parseStrings(raw, into); err != nil {
			return list{}, couch.Errorf(couch.BadRequest, "`%s` of `%s` must be a list of strings", key, name)
		}
	}
	return group, nil
}

// parseStrings reads a list of strings; null is neither.
func parseStrings(raw json.RawMessage, into *[]string) error {
	var elements []*string
	if err := json.Unmarshal(raw, &elements); err != nil {
		return err
	}
	if elements == nil || slices.Contains(elements, nil) {
		return couch.Errorf(couch.BadRequest, "null")
	}
	for _, element := range elements {
		*into = append(*into, *element)
	}
	return nil
}

// Role returns what a user may do under the security object. Server
// administrators may do everything.
func (s Security) Role(user couch.UserCtx) Role {
	switch {
	case slices.Contains(user.Roles, couch.AdminRole), s.admins.has(user):
		return Admin
	case !s.restricted, s.members.has(user):
		return Member
	case s.readers.has(user):
		return Reader
	}
	return None
}

// Rights returns what a user may do under the security object.
func (s Security) Rights(user couch.UserCtx) Rights {
	role := s.Role(user)
	return Rights{Role: role, Delivers: role >= Member || s.deliverers.has(user)}
}

// has reports whether a user is on the list, by name or by a role. Anonymous has
// no name.
func (l list) has(user couch.UserCtx) bool {
	if user.Name != "" && slices.Contains(l.names, user.Name) {
		return true
	}
	return slices.ContainsFunc(user.Roles, func(role string) bool { return slices.Contains(l.roles, role) })
}

// Demand returns nil where a user's role is at least the one asked for, else the
// refusal that CouchDB answers with: an Unauthorized for anonymous, a Forbidden
// for others.
func (r Role) Demand(want Role, user couch.UserCtx) error {
	kind := couch.Forbidden
	if user.Name == "" {
		kind = couch.Unauthorized
	}
	switch {
	case r >= want:
		return nil
	case want == Admin && r > None:
		return couch.Errorf(kind, "You are not a db or server admin.")
	case r == Reader:
		return couch.Errorf(kind, "You may read this db, but not write to it.")
	case kind == couch.Unauthorized:
		return couch.Errorf(kind, "You are not authorized to access this db.")
	default:
		return couch.Errorf(kind, "You are not allowed to access this db.")
	}
}
