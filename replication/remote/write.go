package remote

import (
	"context"
	"errors"
	"io"
	"iter"
	"net/http"

	"settle/attachments/multipart"
	"settle/replication"
	"settle/storage/couch"
	"settle/storage/docjson"
)

// maxBatch is how many bytes of documents go in one _bulk_docs.
const maxBatch = 1 << 20

// batchHead stands in front of a batch's documents.
const batchHead = `{"new_edits":false,"docs":[`

// Write stores revisions as they come: those with attachments, and design documents,
// one by one, the others in batches. See [replication.Target].
func (r *Remote) Write(ctx context.Context, revs iter.Seq2[*replication.Revision, error]) ([]couch.WriteResult, error) {
	w := &remoteWriter{r: r}
	for rev, err := range revs {
		if err == nil {
			err = w.take(ctx, rev)
		}
		if err != nil {
			return w.results, err
		}
	}
	return w.results, w.flush(ctx)
}

// remoteWriter gathers a batch.
type remoteWriter struct {
	r       *Remote
	text    []byte // of the request, as far as it is known
	batch   []couch.WriteResult
	results []couch.WriteResult
}

func (w *remoteWriter) take(ctx context.Context, rev *replication.Revision) error {
	result := couch.WriteResult{ID: rev.Doc.ID, Rev: rev.Doc.Rev()}
	if len(rev.Doc.Attachments) > 0 || rev.Doc.ID.IsDesign() {
		err := w.r.put(ctx, rev)
		if err != nil && !replication.IsRefusal(err) || errors.Is(err, couch.ErrMissingStub) {
			return err
		}
		result.Err = err
		w.results = append(w.results, result)
		return nil
	}
	if len(w.batch) == 0 {
		w.text = append(w.text[:0], batchHead...)
	} else {
		w.text = append(w.text, ',')
	}
	w.text = docjson.AppendDocument(w.text, rev.Doc, docjson.Print{Revs: true})
	w.batch = append(w.batch, result)
	if len(w.text) < maxBatch {
		return nil
	}
	return w.flush(ctx)
}

// flush sends the batch.
func (w *remoteWriter) flush(ctx context.Context) error {
	if len(w.batch) == 0 {
		return nil
	}
	rows, err := w.r.bulkDocs(ctx, append(w.text, "]}"...))
	if err != nil {
		return w.r.writeError(err)
	}
	refused, err := refusedRows(rows)
	if err != nil {
		return err
	}
	for _, result := range w.batch {
		if result.Err = refused[string(result.ID)+"\x00"+result.Rev.String()]; result.Err == nil {
			result.Err = refused[string(result.ID)]
		}
		w.results = append(w.results, result)
	}
	w.batch = w.batch[:0]
	return nil
}

// refusedRows returns the refusals that rows tell of, by id and revision, or by the id
// where no revision is told. The error is that of a row about trouble.
func refusedRows(rows []bulkDocsRow) (map[string]error, error) {
	refused := make(map[string]error, len(rows))
	for _, row := range rows {
		if row.Error == "" {
			continue // PouchDB Server tells of those that it stored, too
		}
		err := rowError(row)
		if err == nil {
			return nil, &replication.Error{Kind: replication.Failed, Reason: "the peer could not store a document"}
		}
		refused[string(row.ID)+"\x00"+row.Rev] = err
		if row.Rev == "" {
			refused[string(row.ID)] = err
		}
	}
	return refused, nil
}

// rowKinds are the errors with which a peer refuses one document for good.
var rowKinds = map[string]couch.Kind{
	"forbidden": couch.Forbidden, "unauthorized": couch.Unauthorized, "document_too_large": couch.DocumentTooLarge,
	"attachment_too_large": couch.AttachmentTooLarge, "doc_validation": couch.DocValidation, "illegal_docid": couch.IllegalDocID,
	"bad_request": couch.BadRequest, "too_large": couch.RequestTooLarge, "partition_overflow": couch.Forbidden, "invalid_design_doc": couch.InvalidDesignDoc,
}

// rowError is the refusal that a row tells of; nil where it is none.
func rowError(row bulkDocsRow) error {
	kind, ok := rowKinds[row.Error]
	if !ok {
		return nil
	}
	return &couch.Error{Kind: kind, Reason: row.Reason}
}

// writeError gives an answer to a write its kind: a refusal, a missing stub, or
// trouble.
func (r *Remote) writeError(err error) error {
	status, ok := errors.AsType[*statusError](err)
	if !ok {
		return err
	}
	kinds := map[int]couch.Kind{
		http.StatusBadRequest: couch.BadRequest, http.StatusForbidden: couch.Forbidden, http.StatusUnauthorized: couch.Unauthorized,
		http.StatusRequestEntityTooLarge: couch.DocumentTooLarge, http.StatusUnsupportedMediaType: couch.BadContentType,
		http.StatusPreconditionFailed: couch.MissingStub, http.StatusRequestURITooLong: couch.IllegalDocID,
	}
	if kind, ok := kinds[status.status]; ok {
		return &couch.Error{Kind: kind, Reason: status.reason}
	}
	return r.refused(err)
}

// put stores one revision with the contents of its attachments. Where there are any
// it is tried once: they come as they are sent.
func (r *Remote) put(ctx context.Context, rev *replication.Revision) error {
	p := printed(rev)
	if len(rev.Contents) == 0 {
		err := r.again(ctx, func() error {
			return r.putRevision(ctx, rev.Doc.ID, request{body: p.text, contentType: "application/json"})
		})
		return r.writeError(err)
	}
	return r.writeError(r.putRelated(ctx, rev, p.text))
}

// putRelated sends a revision and its contents, which it reads as it sends them.
func (r *Remote) putRelated(ctx context.Context, rev *replication.Revision, text []byte) error {
	related := &multipart.Related{Boundary: multipart.NewBoundary(), Document: text}
	for _, c := range rev.Contents {
		a := &rev.Doc.Attachments[c.Index]
		related.Attachments = append(related.Attachments, multipart.Attachment{
			Name: a.Name, ContentType: a.ContentType, Encoding: c.Encoding, Length: c.Length,
			Open: func() (io.ReadCloser, error) { return openVerified(c) },
		})
	}
	reader, writer := io.Pipe()
	written := make(chan struct{})
	go func() {
		defer close(written)
		_, err := related.WriteTo(writer)
		writer.CloseWithError(err)
	}()
	err := r.putRevision(ctx, rev.Doc.ID, request{stream: reader, length: related.Length(), contentType: related.ContentType()})
	reader.CloseWithError(errStopped)
	<-written // the contents are read no more
	return err
}

func openVerified(c replication.Content) (io.ReadCloser, error) {
	body, err := c.Open()
	if err != nil {
		return nil, err
	}
	return struct {
		io.Reader
		io.Closer
	}{replication.NewVerifier(body, c), body}, nil
}
