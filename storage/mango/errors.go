package mango

import (
	"strings"

	"settle/storage/couch"
	"settle/storage/mango/pattern"
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

// badRegex says why a pattern, whose JSON is given, makes no regular expression.
func badRegex(err error, json []byte) error {
	switch err {
	case pattern.ErrTooLarge:
		return couch.Errorf(couch.BadArgument, "The regular expressions of the selector are too large.")
	case pattern.ErrUnsupported:
		return couch.Errorf(couch.BadArgument, "Unsupported regular expression for operator $regex: %s", term(json))
	}
	return badArgument("$regex", json)
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

// unsuitable says of the index that a query names, or does not, that it cannot answer it.
func unsuitable(useIndex []string) error {
	if len(useIndex) == 0 {
		return couch.Errorf(couch.InvalidIndex, "You must specify an index with the `use_index` parameter.")
	}
	names := append([]string{string(designID(useIndex[0]))}, useIndex[1:]...)
	return couch.Errorf(couch.InvalidIndex, "%s specified by `use_index` could not be found or it is not suitable.", cut(strings.Join(names, ", ")))
}

// invalidLanguage says of a design document that it holds no indexes; json is nil where
// it names no language.
func invalidLanguage(json []byte) error {
	found := "false"
	if json != nil {
		found = "{" + term([]byte(`"language"`)) + "," + term(json) + "}"
	}
	return couch.Errorf(couch.InvalidIndexLanguage, "Existing design doc has an invalid language: %s", found)
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
