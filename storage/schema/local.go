package schema

import (
	"encoding/binary"

	"settle/storage/couch"
	"settle/storage/crypt"
)

// MaxLocalText bounds the text of a local document, in bytes.
const MaxLocalText = 64 << 20

// SealLocal returns the row of a local document, sealed with purpose
// crypt.PurposeLocal under its id. The text must not be longer than MaxLocalText.
// Plaintext:
//
//	revision   8 bytes, big-endian
//	text       JSON, to the end
func SealLocal(key *crypt.DatabaseKey, d *couch.LocalDocument) []byte {
	plain := append(binary.BigEndian.AppendUint64(nil, d.Rev), d.Body.Text...)
	return key.Seal(crypt.PurposeLocal, plain, []byte(d.ID))
}

// OpenLocal opens the row of a local document. The error is of kind couch.Corrupt.
func OpenLocal(key *crypt.DatabaseKey, id couch.DocID, sealed []byte) (*couch.LocalDocument, error) {
	plain, err := key.Open(crypt.PurposeLocal, sealed, 8+MaxLocalText, []byte(id))
	if err != nil {
		return nil, DomainError(err)
	}
	if len(plain) < 10 {
		return nil, Corrupt("local document")
	}
	return &couch.LocalDocument{ID: id, Rev: binary.BigEndian.Uint64(plain), Body: couch.Body{Text: plain[8:]}}, nil
}
