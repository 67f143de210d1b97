package documents

import (
	"crypto/md5"
	"encoding/binary"
	"errors"
	"math/big"
	"strings"

	"settle/storage/couch"
	"settle/storage/docjson"
)

// getLocal answers GET of a local document. It has one revision, so that asking
// for one by its id finds none.
func (r request) getLocal(id couch.DocID, o readOptions) error {
	if o.hasRev && !o.latest {
		return couch.ErrNotFound
	}
	doc, err := r.db.GetLocal(r.Context(), id)
	if err != nil {
		return err
	}
	if r.NotModified(localETag(couch.FormatLocalRev(doc.Rev), doc.Body)) {
		return nil
	}
	return r.answerText(docjson.AppendLocalDocument(nil, doc, o.get.Revs))
}

// saveLocal writes a local document. There are no conflicts, and attachments are
// dropped. Where it is replicated the answer names the revision as it was given,
// as CouchDB's does.
func (r request) saveLocal(doc *couch.Document, replicated bool) (saved, error) {
	given, err := doc.Revisions.LocalRev()
	if err != nil {
		return saved{}, err
	}
	if doc.Deleted {
		return r.removeLocal(doc.ID)
	}
	rev, err := r.db.PutLocal(r.Context(), &couch.LocalDocument{ID: doc.ID, Rev: given, Body: doc.Body})
	if err != nil {
		return saved{}, err
	}
	if replicated {
		rev = given
	}
	text := couch.FormatLocalRev(rev)
	return saved{id: doc.ID, rev: text, etag: localETag(text, doc.Body)}, nil
}

func (r request) removeLocal(id couch.DocID) (saved, error) {
	if err := r.db.DeleteLocal(r.Context(), id); err != nil && !errors.Is(err, couch.ErrNotFound) {
		return saved{}, err
	}
	text := couch.FormatLocalRev(0)
	return saved{id: id, rev: text, etag: localETag(text, emptyBody()), deleted: true}, nil
}

// localETag is the entity tag of a local document. Its revision does not tell one
// text from another, so the tag is made from both, in the alphabet of CouchDB's.
func localETag(rev string, body couch.Body) string {
	sum := md5.New()
	var size [8]byte
	binary.BigEndian.PutUint64(size[:], uint64(len(rev)))
	sum.Write(size[:])
	sum.Write([]byte(rev))
	sum.Write(body.Text)
	return strings.ToUpper(new(big.Int).SetBytes(sum.Sum(nil)).Text(36))
}
