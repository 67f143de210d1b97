// Package clients runs node scripts in which real CouchDB and PouchDB clients
// from npm (PouchDB, RxDB, nano, couchbackup, follow) work with a server, as they
// come: nothing of them is replaced. The scripts stand beside this package;
// "npm ci" installs what they need from the lock file.
//
// A [Script] and its test speak over the script's standard input and output, a
// line each: the script prints "CHECKPOINT name", the test does what it has
// under that name and answers with the name. Every other line is the test's log.
package clients
