// Package delivery takes content for databases whose readers only can open it:
//
//	PUT /{db}/_delivery/{id}
//
// The body, or the second part of one that is multipart/related and has metadata
// as JSON in front, is sealed with age to the recipients that the database's security
// object names, while it arrives. What is sealed already, as its first bytes tell,
// stays as it is. Plaintext is in memory only, some chunks of it at a time.
//
// A delivery makes one ordinary document, with an id of the server's making:
//
//	{"_id": …, "type": "delivery", "received_at": RFC 3339, "size": bytes as sealed,
//	 "sealed_by": "server" or "client", "sealed": base64,
//	 "_attachments": {"content.age": {"content_type": "application/age", …}}}
//
// "sealed" is an age file for the same recipients. It holds what is told about the
// content, as JSON with white space behind it up to a multiple of 512 bytes:
//
//	{"content_type": …, "metadata": {…} or null, "length": …, "sha256": hexadecimal,
//	 "delivery_id": …, "database": …}
//
// where length and sha256 are of the content as it arrived. It is sealed behind the
// content, whose hash it has, so that the two cannot be put together otherwise. Where
// the database has no recipients, which takes content that is sealed and nothing said
// about it, there is no "sealed".
//
// age does not tell who has sealed something: a reader cannot tell a delivery of the
// server's from a forgery by somebody who may write documents.
package delivery
