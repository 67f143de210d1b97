package mango

import (
	"bytes"
	"strconv"

	"settle/storage/collate/jsonscan"
	"settle/storage/couch"
)

// maxReason bounds how much of an argument an error's reason shows, in bytes.
const maxReason = 1024

// badFormat says that a value is not a JSON object and so no selector. json is its
// text.
func badFormat(json []byte) error {
	return couch.Errorf(couch.InvalidSelectorJSON, "Selector must be a JSON object, not: %s", term(json))
}

func badArgument(op string, json []byte) error {
	return couch.Errorf(couch.BadArgument, "Bad argument for operator %s: %s", op, term(json))
}

func invalidOperator(op string) error {
	return couch.Errorf(couch.InvalidOperator, "Invalid operator: %s", cut(op))
}

func notSupported(op string) error {
	return couch.Errorf(couch.OperatorNotSupported, "Unsupported operator: %s", op)
}

func badField(json []byte) error {
	return couch.Errorf(couch.BadField, "Invalid field normalization on selector: %s", term(json))
}

func invalidFieldName(field string) error {
	return couch.Errorf(couch.InvalidFieldName, "Invalid field name: %s", cut(field))
}

var (
	errNoField    = &couch.Error{Kind: couch.InvalidSelector, Reason: "One or more conditions is missing a field name."}
	errJSON       = &couch.Error{Kind: couch.BadRequest, Reason: "invalid UTF-8 JSON"}
	errLength     = &couch.Error{Kind: couch.RequestTooLarge, Reason: "The selector is too long."}
	errConditions = &couch.Error{Kind: couch.BadRequest, Reason: "The selector has too many conditions."}
	errFields     = &couch.Error{Kind: couch.BadRequest, Reason: "There are too many fields."}
	errDepth      = &couch.Error{Kind: couch.BadRequest, Reason: "The selector is nested too deeply."}
)

func cut(s string) string {
	if len(s) > maxReason {
		return s[:maxReason] + "..."
	}
	return s
}

// term prints a value as Erlang does by ~w, in which form CouchDB's reasons show
// what is wrong.
func term(json []byte) string { return cut(string(appendTerm(nil, json))) }

func appendTerm(dst, json []byte) []byte {
	if len(dst) > maxReason {
		return dst
	}
	switch jsonscan.KindOf(json) {
	case jsonscan.Array:
		dst = append(dst, '[')
		for element := range jsonscan.Elements(json) {
			dst = append(appendTerm(dst, element), ',')
		}
		return append(bytes.TrimSuffix(dst, []byte(",")), ']')
	case jsonscan.Object:
		dst = append(dst, "{["...)
		for name, value := range jsonscan.Members(json) {
			dst = appendBinary(append(dst, '{'), name)
			dst = append(appendTerm(append(dst, ','), value), "},"...)
		}
		return append(bytes.TrimSuffix(dst, []byte(",")), "]}"...)
	case jsonscan.String:
		s := jsonscan.New(json)
		raw, _ := s.String()
		return appendBinary(dst, raw)
	}
	return append(dst, jsonscan.Value(json)...)
}

// appendBinary prints the bytes of the string that raw is between its quotes.
func appendBinary(dst, raw []byte) []byte {
	plain, _ := jsonscan.Unescape(nil, raw)
	dst = append(dst, "<<"...)
	for i, c := range plain {
		if len(dst) > maxReason {
			break
		}
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = strconv.AppendUint(dst, uint64(c), 10)
	}
	return append(dst, ">>"...)
}
