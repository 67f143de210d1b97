package docjson

import (
	"fmt"
	"strconv"

	"settle/storage/couch"
)

// specialMember is a member of a document that is not part of its body, read but
// not yet judged: as in CouchDB malformed JSON is told before a bad member, and
// only the last of several members of one name counts.
type specialMember struct {
	name  string
	apply func(*Parsed) error
}

// special reads the value of a special member.
func (d *document) special(name []byte) (taken bool, err error) {
	var apply func(*Parsed) error
	switch string(name) {
	case "_replication_state", "_replication_state_time", "_replication_state_reason",
		"_replication_id", "_replication_stats":
		return false, nil
	case "_revs_info", "_local_seq", "_conflicts", "_deleted_conflicts", "_access":
		return true, d.r.Skip()
	case "_id":
		apply, err = d.r.readID()
	case "_rev":
		apply, err = d.r.readRev()
	case "_revisions":
		apply, err = d.r.readRevisions()
	case "_deleted":
		apply, err = d.r.readDeleted()
	case "_attachments":
		apply, err = d.readAttachments()
	default:
		apply, err = badMember(string(name)), d.r.Skip()
	}
	if err != nil {
		return true, err
	}
	d.put(specialMember{string(name), apply})
	return true, nil
}

// put enters a member at the end, in place of an earlier one of the same name.
// Of unknown members one is enough to refuse the document.
func (d *document) put(m specialMember) {
	const known = 5
	for i := range d.specials {
		if d.specials[i].name == m.name {
			d.specials = append(d.specials[:i], d.specials[i+1:]...)
			break
		}
	}
	if len(d.specials) <= known {
		d.specials = append(d.specials, m)
	}
}

// apply judges the special members in their order.
func (d *document) apply() error {
	for _, m := range d.specials {
		if err := m.apply(d.doc); err != nil {
			return err
		}
	}
	return nil
}

// knownID returns the id that has been read, for an error's reason; none where it
// is too long to be one.
func (d *document) knownID() string {
	var doc Parsed
	for _, m := range d.specials {
		if m.name == "_id" {
			_ = m.apply(&doc)
		}
	}
	if len(doc.ID) > couch.MaxDocID {
		return ""
	}
	return string(doc.ID)
}

func refuse(err error) func(*Parsed) error {
	return func(*Parsed) error { return err }
}

func badMember(name string) func(*Parsed) error {
	return refuse(&couch.Error{Kind: couch.DocValidation, Reason: "Bad special document member: " + name})
}

func (r *Reader) readID() (func(*Parsed) error, error) {
	kind, err := r.Kind()
	if err != nil {
		return nil, err
	}
	if kind != String {
		return refuse(&couch.Error{Kind: couch.IllegalDocID, Reason: "Document id must be a string"}), r.Skip()
	}
	s, err := r.String()
	return func(p *Parsed) error {
		p.ID, p.HasID = couch.DocID(s), true
		return p.ID.Validate()
	}, err
}

var errRev = &couch.Error{Kind: couch.BadRequest, Reason: "Invalid rev format"}

func (r *Reader) readRev() (func(*Parsed) error, error) {
	s, ok, err := r.optionalString()
	return func(p *Parsed) error {
		if len(p.Revisions.Hashes) > 0 {
			return nil // _revisions came before, and is stronger
		}
		rev, err := couch.ParseRev(s)
		if !ok || err != nil {
			return errRev
		}
		p.Revisions = couch.Revisions{Start: rev.Gen, Hashes: []string{rev.Hash}}
		return nil
	}, err
}

// optionalString reads any value, and reports whether it is a string.
func (r *Reader) optionalString() (string, bool, error) {
	kind, err := r.Kind()
	if err != nil {
		return "", false, err
	}
	if kind != String {
		return "", false, r.Skip()
	}
	s, err := r.String()
	return s, err == nil, err
}

func (r *Reader) readDeleted() (func(*Parsed) error, error) {
	kind, err := r.Kind()
	if err != nil {
		return nil, err
	}
	if kind != Bool {
		return badMember("_deleted"), r.Skip()
	}
	deleted, err := r.isTrue()
	return func(p *Parsed) error {
		p.Deleted = deleted
		return nil
	}, err
}

// isTrue reads any value and reports whether it is true.
func (r *Reader) isTrue() (bool, error) {
	c, err := r.peek()
	if err != nil {
		return false, err
	}
	return c == 't', r.Skip()
}

// optionalUint reads any value, and reports whether it is an integer from 0 to
// 2^63-1.
func (r *Reader) optionalUint() (uint64, bool, error) {
	kind, err := r.Kind()
	if err != nil {
		return 0, false, err
	}
	if kind != Number {
		return 0, false, r.Skip()
	}
	n, err := r.readNumber()
	r.values++
	if err != nil || !n.isInt {
		return 0, false, err
	}
	u, err := strconv.ParseUint(string(n.text), 10, 63)
	return u, err == nil, nil
}

// revisions is the value of `_revisions`, as far as it is understood.
type revisions struct {
	path     couch.Revisions
	hasStart bool
	hasIDs   bool
	bad      string // what is wrong with an id
}

func (r *Reader) readRevisions() (func(*Parsed) error, error) {
	kind, err := r.Kind()
	if err != nil {
		return nil, err
	}
	if kind != Object {
		return badMember("_revisions"), r.Skip()
	}
	var v revisions
	for name, err := range r.Members() {
		if err != nil {
			return nil, err
		}
		switch name {
		case "start":
			v.path.Start, v.hasStart, err = r.optionalUint()
		case "ids":
			err = v.readIDs(r)
		}
		if err != nil {
			return nil, err
		}
	}
	return v.apply, nil
}

func (v *revisions) readIDs(r *Reader) error {
	kind, err := r.Kind()
	if err != nil {
		return err
	}
	v.path.Hashes, v.bad, v.hasIDs = nil, "", kind == Array
	if kind != Array {
		return r.Skip()
	}
	kept := 0
	for _, err := range r.Elements() {
		if err != nil {
			return err
		}
		s, ok, err := r.optionalString()
		if err != nil {
			return err
		}
		if kept += len(s) + 16; kept > MaxValue {
			return r.fail(errLarge)
		}
		hash := couch.ParseRevHash(s)
		switch {
		case v.bad != "":
		case !ok:
			v.bad = "RevId isn't a string"
		case len(hash) > couch.MaxRevHash:
			v.bad = "RevId is too long"
		case !couch.ValidRevHash(hash):
			v.bad = "RevId isn't a valid hexadecimal"
		}
		v.path.Hashes = append(v.path.Hashes, hash)
	}
	return nil
}

// maxGen is the highest generation that couch.ParseRev accepts.
const maxGen = 1<<53 - 1

func (v *revisions) apply(p *Parsed) error {
	reason := ""
	n := uint64(len(v.path.Hashes))
	switch {
	case !v.hasStart || v.path.Start > maxGen:
		reason = "_revisions.start isn't an integer."
	case !v.hasIDs:
		reason = "_revisions.ids isn't a array."
	case v.bad != "":
		reason = v.bad
	case n == 0 && v.path.Start > 0:
		reason = "_revisions.ids is empty."
	case n > v.path.Start+1:
		reason = fmt.Sprintf("_revisions.start is %d, with %d ids.", v.path.Start, n)
	default:
		p.Revisions = v.path
		return nil
	}
	return &couch.Error{Kind: couch.DocValidation, Reason: reason}
}
