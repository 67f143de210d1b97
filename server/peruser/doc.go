// Package peruser makes a database for each user, as CouchDB's couch_peruser
// does: named by a prefix and the hexadecimal user's name, with the user among
// its administrators and members.
//
// It follows the changes of `_users` and keeps its position in the store. What a
// crash cuts short is done again: each step leaves alone what is done already.
package peruser
