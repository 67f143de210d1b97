package config

import (
	"maps"
	"slices"
)

// Source is values that are given from outside when the server starts: by a
// file, the environment, a flag, or a preset.
type Source struct {
	Name   string // for the log
	Values map[ID]string
}

// Check refuses values that settle could not use. The error is a BadRequest that
// holds their names only.
func (s Source) Check() error {
	for _, id := range sortedIDs(s.Values) {
		if err := checkValue(id, s.Values[id]); err != nil {
			return err
		}
	}
	return nil
}

// IsKnown reports whether a value means something to settle.
func (id ID) IsKnown() bool {
	_, known := id.definition()
	return known || id.Section == "jwt_keys"
}

// String returns the name in CouchDB's way.
func (id ID) String() string { return id.Section + "/" + id.Key }

// outranked returns the values of a source that something else has other than it.
func (s Source) outranked(live sections) []ID {
	var others []ID
	for _, id := range sortedIDs(s.Values) {
		if value, ok := live[id.Section][id.Key]; !ok || value != s.Values[id] {
			others = append(others, id)
		}
	}
	return others
}

func sortedIDs(values map[ID]string) []ID {
	return slices.SortedFunc(maps.Keys(values), func(a, b ID) int {
		if a.String() < b.String() {
			return -1
		}
		return 1
	})
}
