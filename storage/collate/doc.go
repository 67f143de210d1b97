// Package collate holds CouchDB's order of JSON values: to compare two texts, and
// to make binary keys that sort the same way.
//
// # The order
//
// null, false, true, numbers, strings, arrays, objects, as couch_ejson_compare has
// it. Numbers compare by value, exactly, whether written as integers or doubles:
// 2 equals 2.0, and 2^53+1 is greater than 2^53. Strings compare by ICU's root
// collation, with three levels and punctuation not ignored. Arrays compare element
// by element, objects member by member in the order in which they stand (the name,
// then the value); what ends first is less.
//
// # Equality
//
// Different strings can be equal under collation: "é" in its composed and its
// decomposed form, or "a" with and without a control character. [Compare] and
// [AppendKey] stop at collation: equal means what CouchDB's `key=` finds, what `$eq`
// matches and what groups together.
//
// Keys are prefix-free: no key is the beginning of the key of a value that is not
// equal, and keys can be put one behind the other.
//
// [CompareRaw] is the order that CouchDB calls raw: Erlang's, which Mango uses for
// the field `_id`.
//
// # Texts
//
// Texts are JSON as docjson prints them; white space and other spellings of the
// same value are understood as well. [AppendKey] refuses what is no JSON
// with [ErrInvalid]. The Compare functions, which have no error, look at the first
// value of each text and at no more of it than they need; on a text that is no
// JSON their answer is of no use.
//
// # Where ICU differs
//
// Strings are weighed by golang.org/x/text/collate, whose tables are those of CLDR
// 23 (Unicode 6.2). Against the ICU that CouchDB links:
//
//   - Symbols and pictographs that Unicode got later sort behind all others, and
//     currency signs behind the other currency signs, by code point; in ICU they
//     stand among them.
//   - Letters of scripts that Unicode got later sort behind the Han characters,
//     by code point, as unassigned characters do.
//   - Combining marks that Unicode got later are not ignored on the first level.
//   - A few symbols and marks have changed places between the versions.
//
// Keys are not to be compared with keys of other tables: what stores them must
// note [Version] beside them.
package collate

import "errors"

// Version changes when the same value may get another key.
const Version = 1

// MaxDepth is how deep arrays and objects may be nested in each other.
const MaxDepth = 1000

// ErrInvalid is the error for a text that is no JSON, has a number beyond a
// double's range or of more than 1,024 characters, or is nested too deeply.
var ErrInvalid = errors.New("collate: invalid JSON text")
