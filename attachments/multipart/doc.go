// Package multipart reads and writes the multipart forms of CouchDB's HTTP API.
//
// # Forms
//
// A document with its attachments is multipart/related: the document's JSON is
// the first part, one part follows for each attachment that the JSON marks with
// "follows":true, in the same order ([Related]). The answers to open_revs
// ([OpenRevsWriter]) and _bulk_get ([BulkGetWriter]) are multipart/mixed, whose
// parts are documents: JSON where nothing follows, multipart/related otherwise.
//
// What is written equals what CouchDB 3.5 sends, byte for byte, with two
// exceptions. A carriage return or line feed in an attachment's name, its type or
// a document's id is written as %0D or %0A, where CouchDB lets it end the header.
// And in _bulk_get a document none of whose attachments follow is announced as
// JSON, which it is, where CouchDB announces multipart/related.
//
// # Reading
//
// [Reader] takes what CouchDB takes, and what is right by RFC 2046 besides: the
// boundary quoted or not, text before the first boundary, parts without headers,
// anything in a Content-Disposition, an end boundary that is missing.
//
// Memory does not grow with the size of a part. What has arrived of a part can be
// read before more of it arrives, but for an end that may be the beginning of a
// boundary.
package multipart
