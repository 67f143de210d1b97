package documents

import (
	"crypto/rand"
	"encoding/hex"
	"net/http"

	"settle/storage/couch"
)

// post answers POST /{db}: a document that may come without an id.
func (r request) post() error {
	if err := r.RequireJSON(); err != nil {
		return err
	}
	parsed, err := r.receive()
	if err != nil {
		return err
	}
	defer parsed.Discard()
	doc := asDocument(parsed)
	if parsed.HasID {
		if err := r.checkID(doc.ID); err != nil {
			return err
		}
	} else {
		doc.ID, doc.Revisions = newDocID(), couch.Revisions{}
	}
	if r.isBatchOK() {
		return r.saveUnseen(doc)
	}
	s, err := r.save(doc, false)
	if err != nil {
		return err
	}
	r.SetLocation(r.db.Name(), string(s.id))
	return r.answerSaved(http.StatusCreated, s)
}

// newDocID makes an id for a document that came without.
func newDocID() couch.DocID {
	var raw [16]byte
	rand.Read(raw[:])
	return couch.DocID(hex.EncodeToString(raw[:]))
}
