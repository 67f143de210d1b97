// Package couch is the vocabulary that every room of settle shares: the nouns
// of CouchDB's data model, the option and result structs that more than one
// room passes, and the one error type.
//
// It imports the standard library only and does no I/O.
package couch
