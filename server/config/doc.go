// Package config holds the server's live configuration, in CouchDB's sections
// and keys.
//
// A value counts from the moment it is set. Values are text; those that settle
// itself reads are checked when they are set.
package config
