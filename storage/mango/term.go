package mango

import (
	"bytes"
	"strconv"

	"settle/storage/collate/jsonscan"
)

// term prints a value as Erlang does by ~w, in which form most of CouchDB's reasons show
// what is wrong.
func term(json []byte) string { return cut(string(appendTerm(nil, json, appendBytes))) }

// prettyTerm prints a value as Erlang does by ~p, on one line: strings of ASCII are readable.
func prettyTerm(json []byte) string { return cut(string(appendTerm(nil, json, appendText))) }

// appendTerm prints a value; binary prints what is between the brackets of a string.
func appendTerm(dst, json []byte, binary func(dst, plain []byte) []byte) []byte {
	if len(dst) > maxReason {
		return dst
	}
	switch jsonscan.KindOf(json) {
	case jsonscan.Array:
		dst = append(dst, '[')
		for element := range jsonscan.Elements(json) {
			dst = append(appendTerm(dst, element, binary), ',')
		}
		return append(bytes.TrimSuffix(dst, []byte(",")), ']')
	case jsonscan.Object:
		dst = append(dst, "{["...)
		for name, value := range jsonscan.Members(json) {
			dst = appendBinary(append(dst, '{'), name, binary)
			dst = append(appendTerm(append(dst, ','), value, binary), "},"...)
		}
		return append(bytes.TrimSuffix(dst, []byte(",")), "]}"...)
	case jsonscan.String:
		s := jsonscan.New(json)
		raw, _ := s.String()
		return appendBinary(dst, raw, binary)
	}
	return append(dst, jsonscan.Value(json)...)
}

// appendBinary prints the string that raw is between its quotes.
func appendBinary(dst, raw []byte, binary func(dst, plain []byte) []byte) []byte {
	plain, _ := jsonscan.Unescape(nil, raw)
	return append(binary(append(dst, "<<"...), plain), ">>"...)
}

// appendBytes prints a string as the numbers of its bytes.
func appendBytes(dst, plain []byte) []byte {
	for i, c := range plain {
		if len(dst) > maxReason {
			break
		}
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = strconv.AppendUint(dst, uint64(c), 10)
	}
	return dst
}

// appendText prints a string in quotes where it is of ASCII's printable characters.
func appendText(dst, plain []byte) []byte {
	for _, c := range plain {
		if c < ' ' || c > '~' {
			return appendBytes(dst, plain)
		}
	}
	if len(plain) == 0 {
		return dst
	}
	return appendString(dst, string(plain))
}
