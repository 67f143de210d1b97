// Package auth says who makes a request: the server's administrators, by Basic
// or by CouchDB's session cookie, or nobody.
//
// Passwords are kept as PBKDF2 hashes only, and compared in constant time.
package auth
