package couch

import "io"

// OriginID names, within a database, a place that contents are fetched from.
type OriginID [16]byte

// Deferral says where a content is that is not fetched before it is wanted, and which
// one it is.
type Deferral struct {
	Origin OriginID
	ID     DocID  // of the document that has it there
	Rev    RevID  // a revision that has it
	Name   string // of the attachment

	Length int64 // in bytes
	Digest Digest
	// Encoded says that Digest is that of the gzip output in which the origin keeps it.
	Encoded bool
}

// Incoming is a content that comes from its origin. Whoever has asked closes it.
type Incoming struct {
	Body io.ReadCloser
	Gzip bool // Body is gzip output, which it is only of a Deferral that is Encoded
	// Digest is what the bytes of Body must have. Checked says instead that who gives
	// them has looked at the digest itself.
	Digest  Digest
	Checked bool
}
