// Package attachments is the sealed blob store: it keeps the contents of
// attachments, each under a random id and a random key.
//
// # What is stored where
//
// Every blob has a record, a row of its database's partition. A small blob's
// content is in the record itself, sealed under the database's key. A larger one
// is a file of sealed chunks,
//
//	<root>/<partition, 16 hex digits>/<first 2 digits of the id>/<id, 32 hex digits>
//
// and its record holds the file's key, wrapped under the database's key. So
// whoever destroys the database's key destroys all its blobs.
//
//	record   version u8 (3) | kind u8 (1 small, 2 file, 3 deferred) | length u64 | MD5, 16 bytes |
//	         tag, 32 bytes ([Tag]) | start, 24 bytes (zero but for a file) | rest
//	  small  rest = crypt's seal of the content, purpose small blob, bound to id, length, MD5, tag,
//	         start
//	  file   rest = segments, ascending, the first one from chunk 0: first chunk u64 | the wrapped
//	         key of the chunks from there on, bound to id, length, first chunk, MD5, tag, start
//	  deferred
//	         rest = crypt's seal of where the content is, purpose meta, bound to "deferred", id,
//	         length, MD5: origin, 16 bytes | flags u8 (1: the MD5 is of gzip output) | doc id |
//	         generation uvarint | hash | name, each of the three as its length, uvarint, and bytes
//	file     chunks of 64 KiB of content, each sealed with its index and whether it is
//	         the last; the last one is shorter or full, and the only one of an empty blob
//
// Numbers are big-endian. Length and MD5 are of the content as clients see it.
// How long a file has to be follows from the record, never from the file.
//
// # Order of writing
//
// A file is written, synced, and its directories synced, before Write returns;
// the record is committed after that, by the caller, in the transaction that
// makes a document refer to it. On removal the record goes first, and the file
// when that is durable. What a crash leaves behind is therefore a file without
// record at worst, which Sweep removes.
//
// # Equal contents
//
// One row for each content, content key → blob id, finds the blob that holds it; the
// content key is MD5 | tag. A client's digest only says which blob is worth a
// comparison, byte by byte, while the content arrives; so does the start of a content
// whose digest nobody says, by a row for each blob of a file, start | blob id, which is
// empty. What is written is found by its tag when it is committed.
//
// # Uploads
//
// An upload's row stands in for the record until a document takes it. Its file is the
// blob's file from the beginning, as far as the row says; what stands behind that is
// written again, under another key.
//
// Which revisions use a blob is known to package storage only.
package attachments
