package documents

import (
	"bufio"
	"errors"
	"io"
	"iter"
	"net/http"

	"settle/attachments/multipart"
	"settle/storage/couch"
	"settle/storage/docjson"
)

// write writes the document as JSON, with the attachments that are wanted inline.
func (p printing) write(w io.Writer, doc *couch.Document) error {
	wanted := p.wanted(doc)
	if wanted == nil {
		_, err := w.Write(p.append(nil, doc))
		return err
	}
	return docjson.WriteDocument(w, doc, docjson.Print{
		Revs: p.revs, Encodings: p.encodings,
		Open: func(a *couch.Attachment) (io.ReadCloser, error) {
			if !wanted(a) {
				return nil, nil
			}
			return p.r.content(a)
		},
	})
}

// available yields revisions; one of which a content that goes along is to be had nowhere
// any more is missing.
func (p printing) available(revs iter.Seq2[couch.OpenRev, error]) iter.Seq2[couch.OpenRev, error] {
	return func(yield func(couch.OpenRev, error) bool) {
		for rev, err := range revs {
			if err == nil && rev.Doc != nil {
				if err = p.ready(rev.Doc); errors.Is(err, &couch.Error{Kind: couch.Gone}) {
					rev.Doc, err = nil, nil
				}
			}
			if !yield(rev, err) || err != nil {
				return
			}
		}
	}
}

// ready waits until the contents that go along with a document can be read.
func (p printing) ready(doc *couch.Document) error {
	wanted := p.wanted(doc)
	if wanted == nil {
		return nil
	}
	shown := doc.Shown()
	for i := range shown.Attachments {
		if !wanted(&shown.Attachments[i]) {
			continue
		}
		if err := p.r.db.Ready(p.r.Context(), shown.Attachments[i:i+1]); err != nil {
			return err
		}
	}
	return nil
}

// related makes the document with the attachments that are wanted behind it.
func (p printing) related(doc *couch.Document, boundary string) *multipart.Related {
	doc = doc.Shown()
	wanted := p.wanted(doc)
	out := &multipart.Related{
		Boundary: boundary,
		Document: docjson.AppendDocument(nil, doc, docjson.Print{Revs: p.revs, Encodings: p.encodings, Follows: wanted}),
	}
	for i := range doc.Attachments {
		a := &doc.Attachments[i]
		if wanted == nil || !wanted(a) {
			continue
		}
		out.Attachments = append(out.Attachments, multipart.Attachment{
			Name: a.Name, ContentType: a.ContentType, Length: a.Length,
			Open: func() (io.ReadCloser, error) { return p.r.content(a) },
		})
	}
	return out
}

// content opens the whole content of a stored attachment.
func (r request) content(a *couch.Attachment) (io.ReadCloser, error) {
	return r.db.ReadBlob(r.Context(), *a, 0, a.Length)
}

// answerBuffer is how much of an answer is held back: an error before that much
// is written gets its own status.
const answerBuffer = 32 << 10

// stream writes the body of an answer whose headers are set. The handler's error
// cuts the connection where some of it has been sent.
func (r request) stream(status int, body func(*bufio.Writer) error) error {
	if r.isHead() {
		r.Response.WriteHeader(status)
		return nil
	}
	w := bufio.NewWriterSize(&answerWriter{r, status}, answerBuffer)
	if err := body(w); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if !r.Response.Committed { // an empty body
		r.Response.WriteHeader(status)
	}
	return nil
}

func (r request) isHead() bool { return r.Method == http.MethodHead }

// answerWriter sends the header in front of the first bytes.
type answerWriter struct {
	r      request
	status int
}

// Write passes p on to the client.
func (w *answerWriter) Write(p []byte) (int, error) {
	if !w.r.Response.Committed {
		w.r.Response.WriteHeader(w.status)
	}
	return w.r.Response.Write(p)
}
