// Package view keeps the indexes of views, brings them up to date, and answers
// queries from them.
//
// # Indexes
//
// An index holds the rows of all views of a [Definition], which is what a design
// document's views come to: design documents with the same functions and options
// share one. It lies in a partition of its own, which the database names by the
// definition's signature. Its rows, by the first byte of their keys:
//
//	h                     head: how far the index is, and each view's root
//	d id                  by-id: the keys that a document has emitted
//	v view level key      rows and summaries (package redtree)
//
// View is 2 bytes, big-endian. On level 0, key is
//
//	partition             escaped; where the index has partitions
//	key                   as package collate makes it, or as a raw key
//	id                    escaped
//	duplicate             4 bytes, big-endian: among the document's rows of that key
//
// where escaping makes a zero byte 00 ff and ends with 00 01.
//
// # Updates
//
// An index follows the database's changes. The sequence that it has reached is
// stored with the rows, in one transaction, and commits do not wait for the disk:
// what a crash takes back is made again. While many changes are to be read, rows
// alone are written, and the summaries made at the end in one pass; otherwise the
// summaries are changed with the rows. Functions never run inside a transaction: what
// they need is read in a View, and the transaction checks by the head's generation
// that nothing has changed since.
package view
