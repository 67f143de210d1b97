package documents

import (
	"bufio"
	"net/http"
	"settle/attachments/multipart"
	"settle/server/web"
	"settle/storage/couch"
	"settle/storage/docjson"
)

// openRevs answers GET /{db}/{doc}?open_revs=: several revisions of a document,
// as JSON or as multipart/mixed, where every attachment comes with its content.
func (r request) openRevs(id couch.DocID, o readOptions) error {
	get := couch.GetOptions{Revs: o.get.Revs || o.attsSince != nil}
	revs, err := r.db.OpenRevs(r.Context(), id, *o.openRevs, get)
	if err != nil {
		return err
	}
	if r.Accepts("multipart/mixed") {
		o.attachments = true
		return r.openRevsMixed(revs, r.printing(o))
	}
	list := r.NewList("[", ",")
	if !r.isHead() {
		for _, rev := range revs {
			if err := r.openRevJSON(list, rev, r.printing(o)); err != nil {
				return err
			}
		}
	}
	return list.Close("]\n")
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

func (r request) openRevsMixed(revs []couch.OpenRev, p printing) error {
	outer, inner := multipart.NewBoundary(), multipart.NewBoundary()
	r.Response.Header().Set("Content-Type", multipart.ContentType("mixed", outer))
	return r.stream(http.StatusOK, func(w *bufio.Writer) error {
		m := multipart.NewOpenRevsWriter(w, outer)
		for _, rev := range revs {
			var err error
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
