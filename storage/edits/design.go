package edits

import (
	"bytes"

	"settle/storage/couch"
	"settle/storage/docjson"
)

// errPartitioned refuses a design document, as couch_mrview:validate does.
var errPartitioned = &couch.Error{Kind: couch.InvalidDesignDoc, Reason: "partitioned option cannot be true in a non-partitioned database."}

// asksForPartitions reports whether a design document has the option `partitioned`.
func asksForPartitions(text []byte) bool {
	options := member(text, "options")
	return options != nil && string(member(options, "partitioned")) == "true"
}

// member returns the value of an object's member, nil where text is no object or has
// no such member.
func member(text []byte, want string) []byte {
	r := docjson.NewReader(bytes.NewReader(text))
	if kind, err := r.Kind(); err != nil || kind != docjson.Object {
		return nil
	}
	for name, err := range r.Members() {
		if err != nil {
			return nil
		}
		value, err := r.Value()
		if err != nil {
			return nil
		}
		if name == want {
			return bytes.Clone(value)
		}
	}
	return nil
}
