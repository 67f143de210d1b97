// Package documents serves the documents of a database and their attachments:
// single ones, batches, and what the replication protocol asks about them.
//
// Bodies stream: the content of an attachment goes between client and blob store
// in pieces, in both directions, whatever form it has (its own request, base64
// inside JSON, a part of multipart/related). Of what a client sends, only a
// document's body, within max_document_size, and the bodies of one batch are held
// in memory.
//
// Contents that were stored for a write which then fails are discarded.
package documents
