package replication

import (
	"encoding/binary"
	"encoding/json"

	"settle/storage/docjson"
)

// term is a value in Erlang's external term format, without the version byte.
type term []byte

// termVersion is the byte in front of a whole term.
const termVersion = 131

func atomTerm(s string) term {
	return append(binary.BigEndian.AppendUint16([]byte{100}, uint16(len(s))), s...)
}

func binaryTerm(s string) term {
	return append(binary.BigEndian.AppendUint32([]byte{109}, uint32(len(s))), s...)
}

// stringTerm is a list of the bytes of s.
func stringTerm(s string) term {
	switch {
	case s == "":
		return term{106}
	case len(s) <= 0xffff:
		return append(binary.BigEndian.AppendUint16([]byte{107}, uint16(len(s))), s...)
	}
	bytes := make([]term, len(s))
	for i := range len(s) {
		bytes[i] = term{97, s[i]}
	}
	return listTerm(bytes...)
}

func intTerm(n int) term {
	if n >= 0 && n < 256 {
		return term{97, byte(n)}
	}
	return binary.BigEndian.AppendUint32([]byte{98}, uint32(int32(n)))
}

func tupleTerm(parts ...term) term {
	t := term{104, byte(len(parts))}
	for _, p := range parts {
		t = append(t, p...)
	}
	return t
}

func listTerm(parts ...term) term {
	if len(parts) == 0 {
		return term{106}
	}
	t := term(binary.BigEndian.AppendUint32([]byte{108}, uint32(len(parts))))
	for _, p := range parts {
		t = append(t, p...)
	}
	return append(t, 106)
}

// sortedTerm is the term of a JSON value with the members of objects in order.
func sortedTerm(text []byte) (term, error) {
	var v any
	d := json.NewDecoder(bytesReader(text))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	sorted, err := json.Marshal(v) // members of a map are sorted
	if err != nil {
		return nil, err
	}
	return docjson.Term(sorted)
}
