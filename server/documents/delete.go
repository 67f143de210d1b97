package documents

import (
	"net/http"

	"settle/storage/couch"
)

// delete answers DELETE /{db}/{doc}. What is missing or deleted already is a 404,
// whatever revision the request names.
func (r request) delete(id couch.DocID) error {
	if err := r.exists(id); err != nil {
		return err
	}
	base, err := r.baseRevisions(couch.Revisions{})
	if err != nil {
		return err
	}
	s, err := r.save(&couch.Document{ID: id, Deleted: true, Revisions: base, Body: emptyBody()}, false)
	if err != nil {
		return err
	}
	r.SetETag(s.etag)
	return r.answerSaved(http.StatusOK, s)
}

// exists returns nil where there is a document that is not deleted.
func (r request) exists(id couch.DocID) error {
	var err error
	if id.IsLocal() {
		_, err = r.db.GetLocal(r.Context(), id)
	} else {
		_, err = r.db.Get(r.Context(), id, couch.GetOptions{})
	}
	return err
}
