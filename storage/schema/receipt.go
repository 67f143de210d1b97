package schema

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"fmt"
	"hash"
	"io"
	"time"

	"settle/storage/couch"
	"settle/storage/crypt"
	"settle/storage/kv"
)

// A Day is a number of whole days since 1970, in UTC. Deliveries of one day are tagged
// under one key.
type Day uint64

// DayOf returns the day of a time, 0 for those before 1970.
func DayOf(t time.Time) Day { return Day(max(0, t.Unix()) / (24 * 3600)) }

// Receipt is what is kept of a delivery: what tells a repetition of it, for as long as
// the key of its day is there, and the document that it has made.
type Receipt struct {
	Day Day
	Tag [sha256.Size]byte // [TagKey.Tag]
	ID  couch.DocID
	Rev couch.RevID
}

const (
	receiptVersion = 1
	// maxReceipt bounds the plaintext of a receipt, in bytes.
	maxReceipt = 1 << 10
)

// ReceiptKey returns the key of the receipt of a delivery: a digest, so that it is
// short.
func ReceiptKey(id couch.DeliveryID) []byte {
	h := sha256.New()
	writeFields(h, []byte(id.Deliverer), []byte(id.ID))
	return h.Sum([]byte{KindReceipt})
}

// IsReceiptKey reports whether a key is of the form that ReceiptKey makes.
func IsReceiptKey(key []byte) bool { return len(key) == 1+sha256.Size && key[0] == KindReceipt }

// SealReceipt returns the row of a receipt, sealed with purpose crypt.PurposeDelivery
// under the fields "receipt" and its key. Plaintext:
//
//	version    1 byte
//	Day        uvarint
//	Tag        32 bytes
//	ID         bytes
//	Rev        revision
func SealReceipt(key *crypt.DatabaseKey, rowKey []byte, r Receipt) []byte {
	b := binary.AppendUvarint([]byte{receiptVersion}, uint64(r.Day))
	b = append(b, r.Tag[:]...)
	b = appendRevID(appendBytes(b, r.ID), r.Rev)
	return key.Seal(crypt.PurposeDelivery, b, []byte("receipt"), rowKey)
}

// OpenReceipt opens the row of a receipt. The error is of kind couch.Corrupt.
func OpenReceipt(key *crypt.DatabaseKey, rowKey, sealed []byte) (Receipt, error) {
	plain, err := key.Open(crypt.PurposeDelivery, sealed, maxReceipt, []byte("receipt"), rowKey)
	if err != nil {
		return Receipt{}, DomainError(err)
	}
	d := decoder{b: plain}
	d.version(receiptVersion)
	r := Receipt{Day: Day(d.uvarint())}
	copy(r.Tag[:], d.take(sha256.Size))
	r.ID, r.Rev = couch.DocID(d.string()), d.rev()
	if d.bad || len(d.b) != 0 {
		return Receipt{}, Corrupt("receipt of a delivery")
	}
	return r, nil
}

// TagKey is the key that tags the deliveries of one day into one database. Once it is
// destroyed nobody can tell from a receipt what was delivered, not by trying either.
type TagKey struct{ key [sha256.Size]byte }

// NewTagKey returns a random key.
func NewTagKey() *TagKey {
	k := new(TagKey)
	rand.Read(k.key[:])
	return k
}

// Tag returns the tag of a delivery: HMAC-SHA-256 over the length-prefixed deliverer,
// id and fingerprint.
func (k *TagKey) Tag(d couch.Delivery) (tag [sha256.Size]byte) {
	mac := hmac.New(sha256.New, k.key[:])
	writeFields(mac, []byte(d.Deliverer), []byte(d.DeliveryID.ID), d.Fingerprint[:])
	mac.Sum(tag[:0])
	return tag
}

// Matches reports whether a tag is that of a delivery. It takes the same time for any.
func (k *TagKey) Matches(tag [sha256.Size]byte, d couch.Delivery) bool {
	own := k.Tag(d)
	return subtle.ConstantTimeCompare(own[:], tag[:]) == 1
}

// Format implements fmt.Formatter: a key prints as [redacted].
func (*TagKey) Format(w fmt.State, _ rune) { io.WriteString(w, "[redacted]") }

func writeFields(h hash.Hash, fields ...[]byte) {
	for _, field := range fields {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(field))))
		h.Write(field)
	}
}

// TagKeyKey returns the key, in the partition of tag keys, of the one of a day and a
// database. Earlier days come first.
//
//	Day         8 bytes
//	database    8 bytes
func TagKeyKey(day Day, database kv.Partition) []byte {
	return append(binary.BigEndian.AppendUint64(nil, uint64(day)), database[:]...)
}

// ErasingKey returns the key, in the partition of tag keys, of the row that is there from
// when some of them are deleted until they are in no live file: ff, behind all days. The
// row is the first TagKeyKey that was not to be deleted.
func ErasingKey() []byte { return []byte{0xff} }

// SealTagKey returns the row of a tag key, sealed with the database's key for purpose
// crypt.PurposeDelivery under the fields "tag key" and the row's key.
func SealTagKey(key *crypt.DatabaseKey, rowKey []byte, k *TagKey) []byte {
	return key.Seal(crypt.PurposeDelivery, k.key[:], []byte("tag key"), rowKey)
}

// OpenTagKey opens the row of a tag key. The error is of kind couch.Corrupt.
func OpenTagKey(key *crypt.DatabaseKey, rowKey, sealed []byte) (*TagKey, error) {
	plain, err := key.Open(crypt.PurposeDelivery, sealed, sha256.Size, []byte("tag key"), rowKey)
	if err != nil {
		return nil, DomainError(err)
	}
	if len(plain) != sha256.Size {
		return nil, Corrupt("key of deliveries")
	}
	return &TagKey{[sha256.Size]byte(plain)}, nil
}
