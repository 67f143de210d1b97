// Package metaview is the metadata form of documents, and a database in which they
// take it.
//
// In the metadata form a document's attachments are deferred: in place of
// `_attachments` its body has an ordinary member,
//
//	"attachments_meta": {name: {"content_type": …, "length": …, "digest": "md5-…", "revpos": …}, …}
//
// so that a client which replicates documents never asks for what they hold.
// Attachments up to a limit of the database may stay ordinary ones. [NewForm] makes
// the form. On the way back an entry's digest and length name a content that a
// revision of the same document holds.
//
// [Database] is a database of package storage in one of two views: the metadata
// view, whose documents take the form when they are printed and are brought back when
// they are written, and the ordinary view, which refuses documents in metadata form.
// Both have the same revisions and sequences. Each has local documents of its own.
//
// A body that has another member of that name, which is not of the form, is shown as
// it is: its attachments are deferred without being listed, and when such a document
// comes back it has those of the revision that it replaces.
package metaview
