// Package edits changes the documents of a database: [Write] takes what clients
// and peers want to have written and applies it, document by document, in as many
// transactions as it needs; a [Writer] is one such transaction. Here are the rules of
// what extends a document and what conflicts, where a stub's content is found, and
// what goes when a revision goes.
//
// Package schema says what the rows hold. A transaction does not read its own
// writes, so that a Writer keeps what it has changed.
package edits
