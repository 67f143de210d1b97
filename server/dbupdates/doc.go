// Package dbupdates writes down what becomes of databases, for `_db_updates`.
//
// As in CouchDB it does so where the database `_global_changes` exists: each event
// is a document without content, named TYPE:DATABASE, that gets a new revision each
// time. So its feed tells of each database's last creation, update and deletion.
// `updated:_dbs` stands for the list of databases.
//
// Events are written a moment after they happen, several at a time. After a crash
// the last of them may be missing.
package dbupdates
