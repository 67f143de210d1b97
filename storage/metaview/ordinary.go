package metaview

import (
	"slices"

	"settle/storage/couch"
)

// found is what a document in metadata form has in place of attachments.
type found int

const (
	noMember  found = iota // nothing
	list                   // a list of the form, be it empty
	malformed              // an object that is no such list
	foreign                // another value: an ordinary member
)

// ordinary takes the list of deferred attachments out of a document, whose
// attachments it makes of it, behind those that the document has: as stubs by digest.
// A name that is in both stands for the latter. Where the document has no list it is
// returned as it is; err is then, for a malformed one, a BadRequest that says why.
func ordinary(d *couch.Document) (*couch.Document, found, error) {
	m, ok := find(d.Body.Text)
	if !ok {
		return d, noMember, nil
	}
	entries, isList, err := parseEntries(d.Body.Text[m.value:m.to])
	switch {
	case !isList:
		return d, foreign, nil
	case err != nil:
		return d, malformed, err
	}
	out := *d
	if out.Body, err = m.cut(d.Body); err != nil {
		return d, list, err
	}
	out.Attachments = joined(d.Attachments, entries)
	return &out, list, nil
}

// joined returns own and those of others whose names are not in own.
func joined(own, others []couch.Attachment) []couch.Attachment {
	if len(own) == 0 {
		return others
	}
	names := make(map[string]bool, len(own))
	for i := range own {
		names[own[i].Name] = true
	}
	all := slices.Clone(own)
	for _, a := range others {
		if !names[a.Name] {
			all = append(all, a)
		}
	}
	return all
}

// isMetadataForm reports whether a body has a list of deferred attachments.
func isMetadataForm(text []byte) bool {
	m, ok := find(text)
	if !ok {
		return false
	}
	entries, _, err := parseEntries(text[m.value:m.to])
	return err == nil && len(entries) > 0
}

// hasForeign reports whether a body has a member of the list's name that is none.
func hasForeign(text []byte) bool {
	m, ok := find(text)
	if !ok {
		return false
	}
	_, isList, err := parseEntries(text[m.value:m.to])
	return !isList || err != nil
}
