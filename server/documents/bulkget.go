package documents

import (
	"bufio"
	"errors"
	"iter"
	"net/http"
	"slices"

	"settle/attachments/multipart"
	"settle/server/web"
	"settle/storage/couch"
	"settle/storage/docjson"
)

// notForBulkGet are query parameters of a document that _bulk_get refuses: they
// belong to each document that is asked for.
var notForBulkGet = []string{"open_revs", "new_edits", "w", "rev", "atts_since"}

// bulkGet answers POST /{db}/_bulk_get: revisions of many documents, as JSON or
// as multipart.
func (r request) bulkGet() error {
	json, err := r.openObject()
	if err != nil {
		return err
	}
	body := bulkGetReader{json: json, left: maxAsks, partitioned: r.db.Partitioned()}
	asks, err := body.read()
	if err != nil {
		return err
	}
	for _, p := range r.Query() {
		if slices.Contains(notForBulkGet, p.Name) {
			return couch.Errorf(couch.BadRequest, "%q query parameter is not acceptable", p.Name)
		}
	}
	o, err := readOptionsOf(r.Query())
	if err != nil {
		return err
	}
	r.refuseTogether(asks)
	if !r.Accepts("application/json") {
		for _, subtype := range []string{"mixed", "related"} {
			if r.Accepts("multipart/" + subtype) {
				return r.bulkGetMultipart(asks, o, subtype)
			}
		}
	}
	return r.bulkGetJSON(asks, o)
}

// discreet is a database that does not show every document to the user.
type discreet interface {
	// MayRead returns nil where the user may see the document, or a part of it.
	MayRead(id couch.DocID) error
}

// refuseTogether refuses all entries where one of them is about a document that the
// user may not see: CouchDB reads them in one go, and has nothing then.
func (r request) refuseTogether(asks []bulkGetAsk) {
	db, ok := r.db.(discreet)
	if !ok || !slices.ContainsFunc(asks, func(a bulkGetAsk) bool {
		return a.refusal == nil && db.MayRead(couch.DocID(a.id.text)) != nil
	}) {
		return
	}
	for i, ask := range asks {
		rev := "undefined"
		if ask.rev != nil {
			rev = ask.rev.String()
		}
		if ask.refusal == nil {
			asks[i].refusal = &bulkGetRefusal{value{rev, true}, errTogether}
		}
	}
}

var errTogether = &web.Error{Status: http.StatusNotFound, Name: "internal_fabric_error", Reason: "not_found"}

func (r request) bulkGetJSON(asks []bulkGetAsk, o readOptions) error {
	list := r.NewList(`{"results":[`, ",")
	for i := range asks {
		w := list.Begin()
		w.Write(asks[i].id.appendTo([]byte(`{"id":`))) // an error comes back from a later call
		w.WriteString(`,"docs":[`)
		if err := r.bulkGetDocs(w, &asks[i], o); err != nil {
			return err
		}
		if _, err := w.WriteString("]}"); err != nil {
			return err
		}
	}
	return list.Close("]}\n")
}

// bulkGetDocs writes the list of the revisions that one ask has found.
func (r request) bulkGetDocs(w *bufio.Writer, ask *bulkGetAsk, o readOptions) error {
	found, err := r.find(ask, o)
	if err != nil {
		return err
	}
	if found.refusal != nil {
		_, err := w.Write(found.refusal.text(ask.id))
		return err
	}
	written := 0
	for rev, err := range found.p.available(found.revs) {
		if err != nil {
			return err
		}
		if written++; written > 1 {
			w.WriteByte(',')
		}
		if rev.Doc == nil {
			w.Write(notFound(rev.Rev.String()).text(ask.id))
			continue
		}
		w.WriteString(`{"ok":`)
		if err := found.p.write(w, rev.Doc); err != nil {
			return err
		}
		w.WriteByte('}')
	}
	return nil
}

func (r request) bulkGetMultipart(asks []bulkGetAsk, o readOptions, subtype string) error {
	outer, inner := "--"+multipart.NewBoundary(), multipart.NewBoundary()
	r.Response.Header().Set("Content-Type", multipart.ContentType(subtype, outer))
	o.attachments = true
	return r.stream(http.StatusOK, func(w *bufio.Writer) error {
		m := multipart.NewBulkGetWriter(w, outer)
		for i := range asks {
			if err := r.bulkGetParts(m, &asks[i], o, inner); err != nil {
				return err
			}
		}
		return m.Close()
	})
}

func (r request) bulkGetParts(m *multipart.BulkGetWriter, ask *bulkGetAsk, o readOptions, boundary string) error {
	found, err := r.find(ask, o)
	if err != nil {
		return err
	}
	if found.refusal != nil {
		return m.Error(found.refusal.object(ask.id))
	}
	for rev, err := range found.p.available(found.revs) {
		if err != nil {
			return err
		}
		if rev.Doc == nil {
			err = m.Error(missingPart(rev.Rev))
		} else {
			err = m.Document(rev.Doc.ID, rev.Rev, found.p.related(rev.Doc, boundary))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// found is what there is for one ask: revisions, or a refusal.
type found struct {
	revs    iter.Seq2[couch.OpenRev, error]
	p       printing
	refusal *bulkGetRefusal
}

// find reads what one ask asks for.
func (r request) find(ask *bulkGetAsk, o readOptions) (found, error) {
	if ask.refusal != nil {
		return found{refusal: ask.refusal}, nil
	}
	if len(ask.since) > 0 {
		o.attachments, o.attsSince = true, ask.since
	}
	which := couch.OpenRevsOptions{All: ask.rev == nil, Latest: o.latest}
	if ask.rev != nil {
		which.Revs = []couch.RevID{*ask.rev}
	}
	revs, err := r.readRevs(couch.DocID(ask.id.text), which, o)
	if errors.Is(err, couch.ErrNotFound) {
		return found{refusal: notFound("undefined")}, nil
	}
	return found{revs: revs, p: r.printing(o)}, err
}

// missingPart is what multipart says of a revision that is not there.
func missingPart(rev couch.RevID) []byte {
	out := docjson.AppendString([]byte(`{"rev":`), rev.String())
	return append(out, `,"error":"not_found","reason":"missing"}`...)
}

// bulkGetRefusal is why there is nothing for an entry.
type bulkGetRefusal struct {
	rev value // as the answer names it
	err error
}

func notFound(rev string) *bulkGetRefusal {
	return &bulkGetRefusal{value{rev, true}, couch.ErrNotFound}
}

// text returns {"error":{..}} for the document of the given id.
func (f *bulkGetRefusal) text(id value) []byte {
	return append(append([]byte(`{"error":`), f.object(id)...), '}')
}

// object returns {"rev":..,"reason":..,"id":..,"error":..}.
func (f *bulkGetRefusal) object(id value) []byte {
	_, name, reason := web.Describe(f.err)
	out := f.rev.appendTo([]byte(`{"rev":`))
	out = docjson.AppendString(append(out, `,"reason":`...), reason)
	out = id.appendTo(append(out, `,"id":`...))
	return append(docjson.AppendString(append(out, `,"error":`...), name), '}')
}
