package documents

import (
	"bufio"
	"errors"
	"iter"
	"net/http"

	"settle/attachments/multipart"
	"settle/server/web"
	"settle/storage/couch"
	"settle/storage/docjson"
)

// openRevs answers GET /{db}/{doc}?open_revs=: several revisions of a document,
// as JSON or as multipart/mixed, where every attachment comes with its content.
func (r request) openRevs(id couch.DocID, o readOptions) error {
	revs, err := r.readRevs(id, *o.openRevs, o)
	if err != nil {
		return err
	}
	if r.Accepts("multipart/mixed") {
		o.attachments = true
		return r.openRevsMixed(revs, r.printing(o))
	}
	list := r.NewList("[", ",")
	if !r.isHead() {
		for rev, err := range r.printing(o).available(revs) {
			if err != nil {
				return err
			}
			if err := r.openRevJSON(list, rev, r.printing(o)); err != nil {
				return err
			}
		}
	}
	return list.Close("]\n")
}

// revsAtOnce bounds the bodies that are read of one document's revisions before the first
// is written, in bytes; the others are read one by one.
const revsAtOnce = 1 << 20

// readRevs yields several revisions of a document. Those behind revsAtOnce are read when
// their turn comes; one that is gone by then is missing.
func (r request) readRevs(id couch.DocID, which couch.OpenRevsOptions, o readOptions) (iter.Seq2[couch.OpenRev, error], error) {
	which.MaxBytes = revsAtOnce
	get := couch.GetOptions{Revs: o.get.Revs || o.attsSince != nil}
	revs, err := r.db.OpenRevs(r.Context(), id, which, get)
	if err != nil {
		return nil, err
	}
	return func(yield func(couch.OpenRev, error) bool) {
		for i := range revs {
			rev, err := revs[i], error(nil)
			revs[i].Doc = nil // it is let go once it is written
			if rev.Deferred {
				get.Rev = rev.Rev
				if rev.Doc, err = r.db.Get(r.Context(), id, get); errors.Is(err, couch.ErrNotFound) {
					rev.Doc, err = nil, nil
				}
			}
			if !yield(rev, err) || err != nil {
				return
			}
		}
	}, nil
}

func (r request) openRevJSON(list *web.List, rev couch.OpenRev, p printing) error {
	w := list.Begin()
	if rev.Doc == nil {
		_, err := w.Write(missingRev(rev.Rev))
		return err
	}
	w.WriteString(`{"ok":`) // an error comes back from the next call
	if err := p.write(w, rev.Doc); err != nil {
		return err
	}
	return w.WriteByte('}')
}

// missingRev is what an answer says of a revision that is not there.
func missingRev(rev couch.RevID) []byte {
	return append(docjson.AppendString([]byte(`{"missing":`), rev.String()), '}')
}

func (r request) openRevsMixed(revs iter.Seq2[couch.OpenRev, error], p printing) error {
	outer, inner := multipart.NewBoundary(), multipart.NewBoundary()
	r.Response.Header().Set("Content-Type", multipart.ContentType("mixed", outer))
	return r.stream(http.StatusOK, func(w *bufio.Writer) error {
		m := multipart.NewOpenRevsWriter(w, outer)
		for rev, err := range p.available(revs) {
			if err != nil {
				return err
			}
			if rev.Doc == nil {
				err = m.Missing(missingRev(rev.Rev))
			} else {
				err = m.Document(p.related(rev.Doc, inner))
			}
			if err != nil {
				return err
			}
		}
		return m.Close()
	})
}
