package documents

import (
	"bufio"
	"net/http"
	"strconv"

	"settle/attachments/multipart"
	"settle/storage/couch"
	"settle/storage/docjson"
)

// get answers GET and HEAD /{db}/{doc}.
func (r request) get(id couch.DocID) error {
	o, err := readOptionsOf(r.Query())
	switch {
	case err != nil:
		return err
	case o.openRevs != nil:
		return r.openRevs(id, o)
	case id.IsLocal():
		return r.getLocal(id, o)
	}
	doc, err := r.read(id, o)
	if err != nil {
		return err
	}
	// What a document is told of its tree may change while its revision does not.
	hasMeta := len(doc.RevsInfo)+len(doc.Conflicts)+len(doc.DeletedConflicts) > 0 || doc.LocalSeq > 0
	if !hasMeta && r.NotModified(doc.Rev().String()) {
		return nil
	}
	return r.answerDocument(doc, r.printing(o))
}

// read reads the revision that the options name. With latest it is the winner,
// whatever revision they name; of a named revision nothing about the tree is told.
func (r request) read(id couch.DocID, o readOptions) (*couch.Document, error) {
	get := o.get
	get.Revs = get.Revs || o.attsSince != nil
	switch {
	case o.latest:
		get.Rev = couch.RevID{}
	case o.hasRev && get.Rev.IsZero():
		return nil, couch.ErrNotFound
	case o.hasRev:
		get = couch.GetOptions{Rev: get.Rev, Revs: get.Revs}
	}
	return r.db.Get(r.Context(), id, get)
}

// headRoom is what a document's members in front of and behind the body take,
// about.
const headRoom = 256

// answerDocument answers with a document: as multipart/related where attachments
// are asked for and the client takes it, else as JSON.
func (r request) answerDocument(doc *couch.Document, p printing) error {
	doc = doc.Shown()
	if !p.attachments || len(doc.Attachments) == 0 {
		return r.answerText(p.append(make([]byte, 0, len(doc.Body.Text)+headRoom), doc))
	}
	if r.Accepts("multipart/related") {
		return r.answerRelated(p.related(doc, multipart.NewBoundary()))
	}
	list := r.NewList("", "")
	if !r.isHead() {
		if err := p.write(list.Begin(), doc); err != nil {
			return err
		}
	}
	return list.Close("\n")
}

// answerText answers with JSON text that is at hand.
func (r request) answerText(text []byte) error {
	r.Response.Header().Set("Content-Length", strconv.Itoa(len(text)+1))
	return r.WriteRawJSON(http.StatusOK, text)
}

func (r request) answerRelated(doc *multipart.Related) error {
	h := r.Response.Header()
	h.Set("Content-Type", doc.ContentType())
	h.Set("Content-Length", strconv.FormatInt(doc.Length(), 10))
	h.Set("Cache-Control", "must-revalidate")
	return r.stream(http.StatusOK, func(w *bufio.Writer) error {
		_, err := doc.WriteTo(w)
		return err
	})
}

// printing says how the documents of one answer are printed.
type printing struct {
	r           request
	revs        bool // with `_revisions`
	attachments bool // with their content
	encodings   bool // see readOptions
	// since, where not nil, names revisions whose attachments the client has.
	since []couch.RevID
}

func (r request) printing(o readOptions) printing {
	return printing{r: r, revs: o.get.Revs, attachments: o.attachments, encodings: o.encodings, since: o.attsSince}
}

// wanted says which attachments of a document are sent with their content.
func (p printing) wanted(doc *couch.Document) func(*couch.Attachment) bool {
	if !p.attachments {
		return nil
	}
	had := uint64(0)
	if p.since != nil {
		had = ancestorAmong(doc.Revisions, p.since)
	}
	return func(a *couch.Attachment) bool { return p.since == nil || a.RevPos > had }
}

// ancestorAmong returns the generation of the newest revision of a path that is
// in revs, 0 where none is.
func ancestorAmong(path couch.Revisions, revs []couch.RevID) uint64 {
	for i := range path.Hashes {
		for _, rev := range revs {
			if path.Rev(i) == rev {
				return rev.Gen
			}
		}
	}
	return 0
}

// append appends the document with all its attachments as stubs.
func (p printing) append(dst []byte, doc *couch.Document) []byte {
	return docjson.AppendDocument(dst, doc, docjson.Print{Revs: p.revs, Encodings: p.encodings})
}
