package documents

import (
	"errors"
	"iter"
	"net/http"

	"settle/server/web"
	"settle/storage/couch"
	"settle/storage/docjson"
)

// errNoRev refuses a replicated document that does not say its revision.
var errNoRev = &couch.Error{Kind: couch.BadRequest, Reason: "When `new_edits: false`, the document needs `_rev` or `_revisions` specified"}

// saved is a document that was written, as its answer shows it.
type saved struct {
	id      couch.DocID
	rev     string
	etag    string
	deleted bool
}

// save writes one document, which may be a local one. A refusal is an error. One
// that is replicated names its revision.
func (r request) save(doc *couch.Document, replicated bool) (saved, error) {
	if doc.ID.IsLocal() {
		return r.saveLocal(doc, replicated)
	}
	write := r.db.BulkDocs
	if replicated {
		write = r.db.PutRevs
	}
	results, err := write(r.Context(), only(doc))
	if err != nil {
		return saved{}, err
	}
	if err := results[0].Err; err != nil {
		if behind := errors.Unwrap(err); errors.Is(behind, couch.ErrMissingStub) {
			err = behind // which refuses a document in a batch in other words
		}
		return saved{}, err
	}
	rev := results[0].Rev.String()
	return saved{id: results[0].ID, rev: rev, etag: rev, deleted: doc.Deleted}, nil
}

// only is a batch of one document.
func only(doc *couch.Document) iter.Seq2[*couch.Document, error] {
	return func(yield func(*couch.Document, error) bool) { yield(doc, nil) }
}

// status is that of a PUT: 200 for a deletion.
func (s saved) status() int {
	if s.deleted {
		return http.StatusOK
	}
	return http.StatusCreated
}

// answerSaved answers a single write.
func (r request) answerSaved(status int, s saved) error {
	return r.WriteRawJSON(status, appendSaved(nil, s.id, s.rev))
}

// appendSaved appends {"ok":true,"id":..,"rev":..}.
func appendSaved(dst []byte, id couch.DocID, rev string) []byte {
	dst = docjson.AppendString(append(dst, `{"ok":true,"id":`...), string(id))
	return append(docjson.AppendString(append(dst, `,"rev":`...), rev), '}')
}

// isBatchOK reports whether the client does not want to know what becomes of its
// document.
func (r request) isBatchOK() bool { return r.Query().Get("batch") == "ok" }

// saveUnseen is save for batch=ok: whatever the document is refused for is lost,
// and the answer names no revision; only what the server is to blame for is told.
// The document is on disk all the same.
func (r request) saveUnseen(doc *couch.Document) error {
	if doc.ID == "" {
		doc.ID = newDocID()
	}
	id := doc.ID
	if _, err := r.save(doc, false); err != nil {
		if status, _, _ := web.Describe(err); status >= http.StatusInternalServerError {
			return err
		}
	}
	answer := docjson.AppendString([]byte(`{"ok":true,"id":`), string(id))
	return r.WriteRawJSON(http.StatusAccepted, append(answer, '}'))
}
