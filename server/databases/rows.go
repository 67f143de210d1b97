package databases

import (
	"bufio"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"

	"settle/server/viewparams"
	"settle/storage/couch"
	"settle/storage/docjson"
)

// keysPerRead is how many keys are looked up at a time.
const keysPerRead = 1000

// rowsByKey writes a row for each key, also where there is no such document.
func (w *listWriter) rowsByKey() error {
	for page := range slices.Chunk(w.selectedKeys(), keysPerRead) {
		var err error
		if w.ns == localDocs {
			err = w.localRowsOf(page)
		} else {
			err = w.rowsOf(page)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// selectedKeys are the keys within skip and limit, in the order of reading. Keys
// that cannot be ids of the namespace do not count.
func (w *listWriter) selectedKeys() []viewparams.Key {
	keys, prefix := slices.Clone(w.o.Keys), ""
	switch w.ns {
	case designDocs:
		prefix = couch.DesignPrefix
	case localDocs:
		prefix = couch.LocalPrefix
	}
	keys = slices.DeleteFunc(keys, func(k viewparams.Key) bool {
		return prefix != "" && !strings.HasPrefix(k.ID, prefix)
	})
	if w.o.Descending {
		slices.Reverse(keys)
	}
	keys = keys[min(w.o.Skip, len(keys)):]
	if w.o.Limit >= 0 {
		keys = keys[:min(w.o.Limit, len(keys))]
	}
	return keys
}

func (w *listWriter) rowsOf(keys []viewparams.Key) error {
	var ids []couch.DocID
	for _, k := range keys {
		if k.IsString {
			ids = append(ids, couch.DocID(k.ID))
		}
	}
	at := 0
	for row, err := range w.db.AllDocsByID(w.ctx, ids, couch.AllDocsOptions{IncludeDocs: w.o.IncludeDocs, Doc: w.o.DocOptions()}) {
		if err != nil {
			return err
		}
		for ; !keys[at].IsString; at++ {
			w.missingRow(keys[at])
		}
		if row.Rev.IsZero() {
			w.missingRow(keys[at])
		} else if err := w.row(&row); err != nil {
			return err
		}
		at++
	}
	for _, k := range keys[at:] {
		w.missingRow(k)
	}
	return nil
}

func (w *listWriter) localRowsOf(keys []viewparams.Key) error {
	for _, k := range keys {
		doc, err := w.db.GetLocal(w.ctx, couch.DocID(k.ID))
		switch {
		case errors.Is(err, couch.ErrNotFound):
			w.missingRow(k)
		case err != nil:
			return err
		default:
			if err := w.localRow(doc); err != nil {
				return err
			}
		}
	}
	return nil
}

// missingRow writes the row of a key that names no document. An error of the
// writer comes back from a later write. List functions see CouchDB's inner form of it.
func (w *listWriter) missingRow(k viewparams.Key) {
	out := w.begin()
	head, tail := `{"key":`, `,"error":"not_found"}`
	if w.separate != nil {
		head, tail = `{"id":"error","key":`, `,"value":"not_found"}`
	}
	out.WriteString(head)
	out.Write(k.Text)
	out.WriteString(tail)
}

// row writes the row of a document.
func (w *listWriter) row(row *couch.AllDocsRow) error {
	out := w.begin()
	b := appendRow(out.AvailableBuffer(), row.ID, row.Rev.String())
	if row.Deleted {
		b = append(b, `,"deleted":true`...)
	}
	b = append(b, '}')
	if w.o.IncludeDocs {
		b = append(b, `,"doc":`...)
		if row.Doc == nil {
			b = append(b, "null"...)
		} else if w.o.Attachments {
			return w.finishInline(out, b, row.Doc)
		} else {
			b = docjson.AppendDocument(b, row.Doc, docjson.Print{})
		}
	}
	_, err := out.Write(append(b, '}'))
	return err
}

// finishInline ends a row with a document whose attachments' content is inline.
func (w *listWriter) finishInline(out *bufio.Writer, begun []byte, doc *couch.Document) error {
	if _, err := out.Write(begun); err != nil {
		return err
	}
	if err := docjson.WriteDocument(out, doc, docjson.Print{Open: w.openAttachment}); err != nil {
		return err
	}
	return out.WriteByte('}')
}

func (w *listWriter) openAttachment(a *couch.Attachment) (io.ReadCloser, error) {
	return w.db.ReadBlob(w.ctx, *a, 0, -1)
}

// localRow writes the row of a local document.
func (w *listWriter) localRow(doc *couch.LocalDocument) error {
	out := w.begin()
	b := append(appendRow(out.AvailableBuffer(), doc.ID, "0-"+strconv.FormatUint(doc.Rev, 10)), '}')
	if w.o.IncludeDocs {
		b = docjson.AppendLocalDocument(append(b, `,"doc":`...), doc, false)
	}
	_, err := out.Write(append(b, '}'))
	return err
}

// appendRow appends a row up to the revision, within the value.
func appendRow(b []byte, id couch.DocID, rev string) []byte {
	b = docjson.AppendString(append(b, `{"id":`...), string(id))
	b = docjson.AppendString(append(b, `,"key":`...), string(id))
	return docjson.AppendString(append(b, `,"value":{"rev":`...), rev)
}
