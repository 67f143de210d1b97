package mango

import (
	"crypto/sha1"
	"encoding/hex"
	"fmt"

	"settle/storage/docjson"
)

// given is what a definition says of itself, JSON; nil where it says nothing.
type given struct {
	design, index, name, partitioned, kind []byte
	w                                      int
}

// hash is the name of an index, and of a design document, that the client leaves to
// the server: the same as CouchDB's, so that the same request finds the index that it
// made there (mango_idx:gen_name). It is the SHA-1 of
//
//	term_to_binary({Def, [{ddoc, D}, {def, Def}, {name, N}, {partitioned, P}, {type, T}, {w, W}]})
//
// where the atoms auto_name and db_default stand for what is not given.
func (g given) hash() (string, error) {
	def, err := docjson.Term(g.index)
	if err != nil {
		return "", err
	}
	b := append([]byte{131, 104, 2}, def...)
	b = append(b, 108, 0, 0, 0, 6)
	for _, option := range []struct {
		name  string
		value []byte
		atom  string // where there is no value
	}{
		{"ddoc", g.design, "auto_name"}, {"def", g.index, ""}, {"name", g.name, "auto_name"},
		{"partitioned", g.partitioned, "db_default"}, {"type", g.kind, ""}, {"w", fmt.Append(nil, g.w), ""},
	} {
		b = appendAtom(append(b, 104, 2), option.name)
		if option.value == nil {
			b = appendAtom(b, option.atom)
			continue
		}
		term, err := docjson.Term(option.value)
		if err != nil {
			return "", err
		}
		b = append(b, term...)
	}
	sum := sha1.Sum(append(b, 106))
	return hex.EncodeToString(sum[:]), nil
}

// appendAtom appends an ATOM_EXT.
func appendAtom(dst []byte, name string) []byte {
	return append(append(dst, 100, 0, byte(len(name))), name...)
}
