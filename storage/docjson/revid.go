package docjson

import (
	"bytes"
	"crypto/md5"
	"encoding/binary"

	"settle/storage/couch"
)

// RevID returns the id of the revision that an edit of parent makes; none is the
// parent of a new document. It is CouchDB's formula, couch_db:new_revid:
// generation parent.Gen+1, and the MD5 of
//
//	term_to_binary([Deleted, OldStart, OldRev, Body, Atts], [{minor_version, 1}])
//
// where OldStart is parent.Gen, OldRev the raw hash or the integer 0 for none,
// and Atts are {Name, ContentType, MD5} in reverse of atts.
//
// Body is body.Term, or made from body.Text where that is nil; a text that
// Document did not make is an error.
func RevID(deleted bool, parent couch.RevID, body couch.Body, atts []couch.Attachment) (couch.RevID, error) {
	return revID(deleted, parent, body, attachmentsTerm(atts))
}

// RecreationRevID returns the id of the revision that makes a deleted document
// anew; parent is its tombstone. CouchDB computes it when the attachments are
// in their stored form already, of which its formula sees no name, type or
// digest: only how many there are counts.
func RecreationRevID(parent couch.RevID, body couch.Body, atts []couch.Attachment) (couch.RevID, error) {
	var term []byte
	for range atts {
		term = append(term, termTuple, 3)
		for range 3 {
			term = appendAtomTerm(term, "undefined")
		}
	}
	return revID(false, parent, body, listTerm(term, len(atts)))
}

func revID(deleted bool, parent couch.RevID, body couch.Body, atts []byte) (couch.RevID, error) {
	term := body.Term
	if term == nil {
		var err error
		if term, err = Term(body.Text); err != nil {
			return couch.RevID{}, err
		}
	}
	head := append(make([]byte, 0, 64), termVersion, termList, 0, 0, 0, 5)
	if deleted {
		head = appendAtomTerm(head, "true")
	} else {
		head = appendAtomTerm(head, "false")
	}
	head = appendUintTerm(head, parent.Gen)
	if parent.IsZero() {
		head = appendUintTerm(head, 0)
	} else {
		head = appendBinaryTerm(head, parent.Hash)
	}
	sum := md5.New()
	_, _ = sum.Write(head) // a hash never fails
	_, _ = sum.Write(term)
	_, _ = sum.Write(append(atts, termNil))
	return couch.RevID{Gen: parent.Gen + 1, Hash: string(sum.Sum(nil))}, nil
}

func attachmentsTerm(atts []couch.Attachment) []byte {
	var term []byte
	for i := len(atts) - 1; i >= 0; i-- {
		term = append(term, termTuple, 3)
		term = appendBinaryTerm(term, atts[i].Name)
		term = appendBinaryTerm(term, atts[i].ContentType)
		term = appendBinaryTerm(term, string(atts[i].Digest[:]))
	}
	return listTerm(term, len(atts))
}

// listTerm returns the list of n terms, none of them a small integer.
func listTerm(terms []byte, n int) []byte {
	if n == 0 {
		return []byte{termNil}
	}
	head := binary.BigEndian.AppendUint32([]byte{termList}, uint32(n))
	return append(append(head, terms...), termNil)
}

// Term returns the external term, without the version byte, of a JSON text. It
// is that of couch.Body.Term but for negative zero, which a text does not keep.
// The error is a BadRequest.
func Term(text []byte) ([]byte, error) {
	r := NewReader(bytes.NewReader(text))
	b := builder{withTerm: true, limit: maxBuild, over: errLarge}
	if err := r.build(&b); err != nil {
		return nil, err
	}
	return b.term, r.End()
}
