package query

import (
	"bufio"
	"context"
	"io"
	"strconv"

	"settle/server/viewparams"
	"settle/storage/couch"
	"settle/storage/docjson"
	"settle/storage/view"
)

// writer writes the answer to one query.
type writer struct {
	ctx  context.Context
	db   Database
	p    *viewparams.Params
	out  *bufio.Writer
	rows int
}

// write writes the whole answer, without a line break at its end.
func (w *writer) write(result *view.Result) error {
	w.out.Write(AppendHead(nil, w.db, w.p, result)) // an error comes back from a later write
	w.out.WriteString("\"rows\":[\r\n")
	for row, err := range result.Rows {
		if err != nil {
			return err
		}
		if w.rows++; w.rows > 1 {
			w.out.WriteString(",\r\n")
		}
		if err := w.row(&row, result.Reduced); err != nil {
			return err
		}
	}
	_, err := w.out.WriteString("\r\n]}")
	return err
}

// AppendHead appends what stands in front of an answer's rows, with the comma behind it.
func AppendHead(dst []byte, db Database, p *viewparams.Params, result *view.Result) []byte {
	dst = append(dst, '{')
	if !result.Reduced {
		dst = strconv.AppendInt(append(dst, `"total_rows":`...), result.TotalRows, 10)
		dst = append(strconv.AppendInt(append(dst, `,"offset":`...), result.Offset, 10), ',')
	}
	if p.UpdateSeq {
		dst = append(docjson.AppendString(append(dst, `"update_seq":`...), db.FormatSeq(result.Seq)), ',')
	}
	return dst
}

func (w *writer) row(row *view.Row, reduced bool) error {
	b := AppendRow(w.out.AvailableBuffer(), row, reduced)
	if !w.p.IncludeDocs {
		_, err := w.out.Write(append(b, '}'))
		return err
	}
	b = append(b, `,"doc":`...)
	switch {
	case row.Doc == nil:
		b = append(b, "null"...)
	case w.p.Attachments:
		return w.inline(b, row.Doc)
	default:
		b = docjson.AppendDocument(b, row.Doc, docjson.Print{})
	}
	_, err := w.out.Write(append(b, '}'))
	return err
}

// inline ends a row with a document whose attachments' content is inline.
func (w *writer) inline(begun []byte, doc *couch.Document) error {
	if _, err := w.out.Write(begun); err != nil {
		return err
	}
	open := func(a *couch.Attachment) (io.ReadCloser, error) { return w.db.ReadBlob(w.ctx, *a, 0, -1) }
	if err := docjson.WriteDocument(w.out, doc, docjson.Print{Open: open}); err != nil {
		return err
	}
	return w.out.WriteByte('}')
}

// AppendRow appends a row without its document, open at the end.
func AppendRow(dst []byte, row *view.Row, reduced bool) []byte {
	dst = append(dst, '{')
	if !reduced {
		dst = append(docjson.AppendString(append(dst, `"id":`...), string(row.ID)), ',')
	}
	dst = append(dst, `"key":`...)
	if row.Key == nil || row.Error != "" { // as in CouchDB an error does not say of which rows
		dst = append(dst, "null"...)
	} else {
		dst = append(dst, row.Key...)
	}
	if row.Error != "" {
		dst = docjson.AppendString(append(dst, `,"error":`...), row.Error)
		return docjson.AppendString(append(dst, `,"reason":`...), row.Reason)
	}
	return append(append(dst, `,"value":`...), row.Value...)
}
