package couch

import "crypto/sha256"

// DeliveryID names a delivery within a database: who makes it, and the id that they
// chose. Two deliverers share no ids.
type DeliveryID struct{ Deliverer, ID string }

// Delivery is a new document, and what tells a repetition of it from another use of
// its id.
type Delivery struct {
	DeliveryID
	// Fingerprint is a digest of all that a repetition must have in common with the
	// first time. It is stored in no form that tells it.
	Fingerprint [sha256.Size]byte
	// Document is new. It is nil where the id has a receipt already.
	Document *Document
}

// Delivered is the document that a delivery has made. New says that this time has
// made it.
type Delivered struct {
	ID  DocID
	Rev RevID
	New bool
}

// Quota is how much a database may hold, and holds, in bytes of plaintext.
type Quota struct {
	Max         int64 // NoQuota: no bound
	Documents   int64 // bodies of the leaves
	Attachments int64 // contents, each once
}

// NoQuota is the Max of a Quota that bounds nothing.
const NoQuota = -1

// Used returns what counts against Max.
func (q Quota) Used() int64 { return q.Documents + q.Attachments }

// Admits returns an OverQuota where n bytes more are too many.
func (q Quota) Admits(n int64) error {
	if q.Max != NoQuota && n > 0 && n > q.Max-q.Used() {
		return ErrOverQuota
	}
	return nil
}

// ErrOverQuota is the refusal of a write that a database's quota has no room for.
var ErrOverQuota = &Error{Kind: OverQuota, Reason: "The database's quota is used up."}

// ErrAlreadyDelivered is the refusal of a delivery whose id was used so long ago that
// nobody can tell any more whether it is the same.
var ErrAlreadyDelivered = &Error{Kind: AlreadyDelivered, Reason: "The id was used for a delivery before."}
