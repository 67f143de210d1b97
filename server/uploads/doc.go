// Package uploads serves /{db}/_uploads: contents of attachments that arrive in parts
// and may be resumed, by the tus protocol 1.0 (https://tus.io/protocols/resumable-upload)
// with the extensions creation, creation-with-upload, expiration and termination.
//
// An upload belongs to the user who has made it. A document that is written to the same
// database by that user takes it, once:
//
//	{"_attachments": {"name": {"upload": "id", "content_type": "text/plain"}}}
//
// The id is the last segment of the upload's URL. The offset that is told is on disk.
package uploads
