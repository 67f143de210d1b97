package design

import "settle/storage/couch"

// shownRevs is how many revisions of its history a function sees of a document:
// CouchDB's query_server_config/revs_limit.
const shownRevs = 20

// Shown returns a stored document as functions see it, with the latest part of its
// history.
func Shown(d *couch.Document) *couch.Document {
	if len(d.Revisions.Hashes) <= shownRevs {
		return d
	}
	cut := *d
	cut.Revisions.Hashes = d.Revisions.Hashes[:shownRevs]
	return &cut
}
