package docjson

import (
	"encoding/base64"
	"io"

	"settle/storage/couch"
)

// WriteDocument writes d as AppendDocument prints it, with the content of
// attachments that p.Open returns inline, as base64, while it is read: memory
// does not grow with it. After an error of w, p.Open or the content, what has
// been written is the beginning of a document.
func WriteDocument(w io.Writer, d *couch.Document, p Print) error {
	d = d.Shown()
	buf := appendHead(nil, d, p)
	for i := range d.Attachments {
		a := &d.Attachments[i]
		content, err := p.open(a)
		if err != nil {
			return err
		}
		follows := p.Follows != nil && p.Follows(a)
		buf = appendAttachment(buf, a, i, content != nil || follows)
		if content == nil {
			buf = p.appendReference(buf, a)
			continue
		}
		if err := writeContent(w, append(buf, `,"data":"`...), content); err != nil {
			return err
		}
		buf = append(buf[:0], `"}`...)
	}
	_, err := w.Write(appendTail(buf, d))
	return err
}

func (p *Print) open(a *couch.Attachment) (io.ReadCloser, error) {
	if p.Open == nil || p.Follows != nil && p.Follows(a) {
		return nil, nil
	}
	return p.Open(a)
}

// writeContent writes before and then content in base64, and closes content.
func writeContent(w io.Writer, before []byte, content io.ReadCloser) error {
	defer content.Close()
	if _, err := w.Write(before); err != nil {
		return err
	}
	enc := base64.NewEncoder(base64.StdEncoding, w)
	if _, err := io.Copy(enc, content); err != nil {
		return err
	}
	return enc.Close()
}
