package documents

import (
	"bufio"
	"encoding/base64"
	"io"
	"net/http"
	"strconv"
	"strings"

	"settle/attachments/multipart"
	"settle/storage/couch"
)

var errNoAttachment = &couch.Error{Kind: couch.NotFound, Reason: "Document is missing attachment"}

// getAttachment answers GET and HEAD /{db}/{doc}/{name}: the content, or ranges
// of it.
func (r request) getAttachment(id couch.DocID) error {
	a, err := r.storedAttachment(id, r.Param("*"))
	if err != nil {
		return err
	}
	tag := base64.StdEncoding.EncodeToString(a.Digest[:])
	if r.NotModified(tag) {
		return nil
	}
	ranges, err := parseRanges(r.Header.Get("Range"), a.Length)
	if err != nil {
		return err
	}
	switch len(ranges) {
	case 0:
		sum := tag
		if a.Encoded && !r.isHead() {
			digest, err := r.db.ContentDigest(r.Context(), *a)
			if err != nil {
				return err
			}
			sum = base64.StdEncoding.EncodeToString(digest[:])
		}
		if !a.Encoded || !r.isHead() { // HEAD fetches nothing
			r.Response.Header().Set("Content-MD5", sum)
		}
		return r.answerRange(a, http.StatusOK, byteRange{0, a.Length - 1})
	case 1:
		r.Response.Header().Set("Content-Range", ranges[0].contentRange(a.Length))
		return r.answerRange(a, http.StatusPartialContent, ranges[0])
	}
	return r.answerRanges(a, ranges)
}

// storedAttachment finds an attachment of the revision that the query names.
func (r request) storedAttachment(id couch.DocID, name string) (*couch.Attachment, error) {
	o, err := readOptionsOf(r.Query())
	if err != nil {
		return nil, err
	}
	o.latest = false // it counts for documents only
	doc, err := r.read(id, o)
	if err != nil {
		return nil, err
	}
	if a := findAttachment(doc, name); a != nil {
		return a, nil
	}
	return nil, errNoAttachment
}

func findAttachment(doc *couch.Document, name string) *couch.Attachment {
	for i := range doc.Attachments {
		if doc.Attachments[i].Name == name {
			return &doc.Attachments[i]
		}
	}
	return nil
}

// sandbox keeps a browser from running what a client stored as an attachment with
// the rights of whoever opens it.
const sandbox = "sandbox"

func (r request) answerRange(a *couch.Attachment, status int, part byteRange) error {
	h := r.Response.Header()
	h["Content-Type"] = []string{a.ContentType} // be it empty: it is not guessed
	h.Set("Content-Length", strconv.FormatInt(part.length(), 10))
	h.Set("Accept-Ranges", "bytes")
	h.Set("Content-Security-Policy", sandbox)
	h.Set("Cache-Control", "must-revalidate")
	return r.stream(status, func(w *bufio.Writer) error { return r.copyRange(w, a, part) })
}

func (r request) copyRange(w io.Writer, a *couch.Attachment, part byteRange) error {
	content, err := r.db.ReadBlob(r.Context(), *a, part.first, part.length())
	if err != nil {
		return err
	}
	defer content.Close()
	_, err = io.Copy(w, content)
	return err
}

// answerRanges answers with several ranges, each in a part of multipart/byteranges.
func (r request) answerRanges(a *couch.Attachment, ranges []byteRange) error {
	boundary := multipart.NewBoundary()
	r.Response.Header().Set("Content-Type", multipart.ContentType("byteranges", boundary))
	r.Response.Header().Set("Content-Security-Policy", sandbox)
	return r.stream(http.StatusPartialContent, func(w *bufio.Writer) error {
		w.WriteString("--" + boundary) // an error comes back from Flush
		for _, part := range ranges {
			w.WriteString("\r\nContent-Type: " + headerLine.Replace(a.ContentType) +
				"\r\nContent-Range: " + part.contentRange(a.Length) + "\r\n\r\n")
			if err := r.copyRange(w, a, part); err != nil {
				return err
			}
			w.WriteString("\r\n--" + boundary)
		}
		w.WriteString("--")
		return nil
	})
}

// headerLine keeps a content type from ending its header line, as net/http does.
var headerLine = strings.NewReplacer("\r", " ", "\n", " ")
