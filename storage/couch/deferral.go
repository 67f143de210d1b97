package couch

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
