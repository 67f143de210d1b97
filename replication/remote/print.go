package remote

import (
	"bytes"
	"strconv"

	"settle/replication"
	"settle/storage/couch"
	"settle/storage/docjson"
)

// printedRevision is a revision's JSON for a PUT.
type printedRevision struct{ text []byte }

// printed prints a revision: attachments that have a content follow, in their order,
// the others are stubs. What is said of one that is packed is said of the packed form,
// as CouchDB does it.
func printed(rev *replication.Revision) printedRevision {
	follows := make(map[int]*replication.Content, len(rev.Contents))
	for i := range rev.Contents {
		follows[rev.Contents[i].Index] = &rev.Contents[i]
	}
	bare := *rev.Doc
	bare.Attachments = nil
	text := docjson.AppendDocument(nil, &bare, docjson.Print{Revs: true})
	if len(rev.Doc.Attachments) == 0 {
		return printedRevision{text}
	}
	text = append(bytes.TrimSuffix(text, []byte("}")), `,"_attachments":{`...)
	for i := range rev.Doc.Attachments {
		if i > 0 {
			text = append(text, ',')
		}
		text = appendAttachment(text, &rev.Doc.Attachments[i], follows[i])
	}
	return printedRevision{append(text, "}}"...)}
}

func appendAttachment(dst []byte, a *couch.Attachment, c *replication.Content) []byte {
	dst = append(docjson.AppendString(dst, a.Name), `:{"content_type":`...)
	dst = docjson.AppendString(dst, a.ContentType)
	if a.RevPos > 0 && a.RevPos != couch.NoRevPos {
		dst = strconv.AppendUint(append(dst, `,"revpos":`...), a.RevPos, 10)
	}
	digest := a.Digest
	if c != nil {
		digest = c.Digest
	}
	if digest != (couch.Digest{}) {
		dst = docjson.AppendString(append(dst, `,"digest":`...), digest.String())
	}
	dst = strconv.AppendInt(append(dst, `,"length":`...), a.Length, 10)
	switch {
	case c == nil:
		return append(dst, `,"stub":true}`...)
	case c.Encoding != "":
		dst = docjson.AppendString(append(dst, `,"encoding":`...), c.Encoding)
		dst = strconv.AppendInt(append(dst, `,"encoded_length":`...), c.Length, 10)
	}
	return append(dst, `,"follows":true}`...)
}
