package couch

// Purged says which revisions of a document a purge has removed; of one that is
// remembered, which it was asked to remove.
type Purged struct {
	ID   DocID
	Revs []RevID
	// Number is the purge sequence of one that is remembered.
	Number uint64
}
