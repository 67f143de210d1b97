// Package auth says who makes a request, and what a database's security object
// lets them do.
//
// A request is looked at by authenticators, one file each, in the order that
// the configuration gives: CouchDB's session cookie, a proxy's headers, a JSON
// web token, Basic. Names and passwords are those of the administrators, who are
// kept here, and of the users, whom a [Users] source knows.
//
// Passwords are kept as hashes only, and everything secret is compared in
// constant time. A password that was right is remembered, under a key that lives
// as long as the process, together with the hash it was right for: the hash is
// read anew for every request, so a changed or removed one counts at once.
package auth
