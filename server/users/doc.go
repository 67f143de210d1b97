// Package users gives the database `_users` its meaning: its documents are the
// accounts that may log in.
//
// [Source] looks users up for [settle/server/auth]. [Database] is the database as
// one user sees it: passwords are hashed when they are written, what CouchDB's
// own design document demands of a user's document is checked, and nobody but
// administrators sees the document of another, or lists them.
package users
