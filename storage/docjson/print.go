package docjson

import (
	"io"
	"strconv"

	"settle/storage/couch"
)

// Print says how a document is printed. The zero value prints every attachment
// as a stub, and no `_revisions`.
type Print struct {
	Revs bool // print the path as `_revisions`
	// Encodings: say of stubs whose digest is that of gzip output that it is.
	Encodings bool
	// Follows says which attachments are in parts of their own behind the
	// document. nil: none.
	Follows func(*couch.Attachment) bool
	// Open returns an attachment's content, to be printed inline as base64, or
	// nil for one that is to be a stub. WriteDocument closes the content. It is
	// asked for attachments that do not follow. nil: none are inline.
	Open func(*couch.Attachment) (io.ReadCloser, error)
}

// AppendDocument appends d as CouchDB prints it: `_id`, `_rev`, the body's
// members, `_deleted`, then, where d has them, `_revisions`, `_revs_info`,
// `_conflicts`, `_deleted_conflicts`, `_local_seq` and `_attachments`. It never
// calls p.Open. Where d has a Form, that is what is printed.
func AppendDocument(dst []byte, d *couch.Document, p Print) []byte {
	d = d.Shown()
	dst = appendHead(dst, d, p)
	for i := range d.Attachments {
		a := &d.Attachments[i]
		dst = appendAttachment(dst, a, i, p.Follows != nil && p.Follows(a))
		dst = p.appendReference(dst, a)
	}
	return appendTail(dst, d)
}

// AppendLocalDocument appends a local document as CouchDB prints it, with revs as
// if its revision were a path.
func AppendLocalDocument(dst []byte, d *couch.LocalDocument, revs bool) []byte {
	hash := strconv.FormatUint(d.Rev, 10)
	path := couch.Revisions{Hashes: []string{hash}}
	return AppendDocument(dst, &couch.Document{ID: d.ID, Revisions: path, Body: d.Body}, Print{Revs: revs})
}

// appendHead appends d up to the first attachment.
func appendHead(dst []byte, d *couch.Document, p Print) []byte {
	dst = AppendString(append(dst, `{"_id":`...), string(d.ID))
	if len(d.Revisions.Hashes) > 0 {
		dst = appendRev(append(dst, `,"_rev":`...), d.Rev())
	}
	if text := d.Body.Text; len(text) > len("{}") {
		dst = append(append(dst, ','), text[1:len(text)-1]...)
	}
	if d.Deleted {
		dst = append(dst, `,"_deleted":true`...)
	}
	if p.Revs && len(d.Revisions.Hashes) > 0 {
		dst = appendRevisions(dst, d.Revisions)
	}
	if len(d.RevsInfo) > 0 {
		dst = appendRevsInfo(dst, d.RevsInfo)
	}
	dst = appendRevs(dst, `,"_conflicts":`, d.Conflicts)
	dst = appendRevs(dst, `,"_deleted_conflicts":`, d.DeletedConflicts)
	if d.LocalSeq > 0 {
		dst = strconv.AppendUint(append(dst, `,"_local_seq":`...), uint64(d.LocalSeq), 10)
	}
	if len(d.Attachments) > 0 {
		dst = append(dst, `,"_attachments":{`...)
	}
	return dst
}

func appendTail(dst []byte, d *couch.Document) []byte {
	if len(d.Attachments) > 0 {
		dst = append(dst, '}')
	}
	return append(dst, '}')
}

func appendRev(dst []byte, rev couch.RevID) []byte { return AppendString(dst, rev.String()) }

func appendRevisions(dst []byte, path couch.Revisions) []byte {
	dst = strconv.AppendUint(append(dst, `,"_revisions":{"start":`...), path.Start, 10)
	dst = append(dst, `,"ids":[`...)
	for i, hash := range path.Hashes {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = AppendString(dst, couch.FormatRevHash(hash))
	}
	return append(dst, "]}"...)
}

func appendRevsInfo(dst []byte, infos []couch.RevInfo) []byte {
	dst = append(dst, `,"_revs_info":[`...)
	for i, info := range infos {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendRev(append(dst, `{"rev":`...), info.Rev)
		dst = AppendString(append(dst, `,"status":`...), string(info.Status))
		dst = append(dst, '}')
	}
	return append(dst, ']')
}

func appendRevs(dst []byte, member string, revs []couch.RevID) []byte {
	if len(revs) == 0 {
		return dst
	}
	dst = append(append(dst, member...), '[')
	for i, rev := range revs {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendRev(dst, rev)
	}
	return append(dst, ']')
}

// appendAttachment appends the i-th attachment up to its digest, which is left out where
// the content comes along and is not what the digest is of.
func appendAttachment(dst []byte, a *couch.Attachment, i int, comes bool) []byte {
	if i > 0 {
		dst = append(dst, ',')
	}
	dst = append(AppendString(dst, a.Name), ':')
	dst = AppendString(append(dst, `{"content_type":`...), a.ContentType)
	dst = strconv.AppendUint(append(dst, `,"revpos":`...), a.RevPos, 10)
	if comes && a.Encoded {
		return dst
	}
	return AppendString(append(dst, `,"digest":`...), a.Digest.String())
}

// appendReference appends the rest of an attachment that is not inline.
func (p *Print) appendReference(dst []byte, a *couch.Attachment) []byte {
	dst = strconv.AppendInt(append(dst, `,"length":`...), a.Length, 10)
	if p.Follows != nil && p.Follows(a) {
		return append(dst, `,"follows":true}`...)
	}
	if p.Encodings && a.Encoded {
		dst = append(dst, `,"encoding":"gzip"`...)
	}
	return append(dst, `,"stub":true}`...)
}
