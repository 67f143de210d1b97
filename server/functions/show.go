package functions

import (
	"crypto/sha256"
	"encoding/base64"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"settle/server/web"
	"settle/storage/couch"
	"settle/storage/design"
)

// show answers with what a show function makes of a document.
func (f *Functions) show(r *web.Request) error {
	c, err := f.callOf(r, "shows")
	if err != nil {
		return err
	}
	response, err := c.design.Show(r.Context(), r.Param("name"), c.doc, c.req)
	if err != nil {
		return err
	}
	r.Response.Header().Add("Vary", "Accept")
	if r.NotModified(tagOf(r, c.rev, c.doc)) {
		return nil
	}
	response.Header = slices.DeleteFunc(response.Header, isCaching)
	return answer(r, response)
}

// isCaching reports whether a header says when an answer may be given again, which the
// server says of shows: it does not ask the function.
func isCaching(field design.HeaderField) bool {
	return strings.EqualFold(field.Name, "ETag") || strings.EqualFold(field.Name, "Vary")
}

// tagOf names what a show function is asked to show: the document, by which revision of
// the design document, to whom, and in what form.
func tagOf(r *web.Request, design couch.RevID, doc []byte) string {
	sum := sha256.New()
	user := r.Session.User
	parts := []string{design.String(), string(doc), r.URL.RequestURI(), r.Header.Get("Accept"), user.Name}
	for _, part := range append(parts, user.Roles...) {
		io.WriteString(sum, strconv.Itoa(len(part))+":"+part)
	}
	return base64.RawURLEncoding.EncodeToString(sum.Sum(nil)[:16])
}

// maxBody bounds the body that a function sees, where max_document_size does not.
const maxBody = 8 << 20

// readBody reads the body of a request, which a function is to see; nil where there is
// none.
func readBody(r *web.Request) ([]byte, error) {
	if r.ContentLength == 0 {
		return nil, nil
	}
	limit := r.Limits().MaxDocumentSize
	if limit <= 0 || limit > maxBody {
		limit = maxBody
	}
	body, err := r.ReadBody(limit)
	if len(body) == 0 {
		return nil, err
	}
	return body, err
}

// answer answers with what a function returned.
func answer(r *web.Request, response design.Response) error {
	setHeader(r, response)
	if !hasBody(response.Code) {
		r.Response.WriteHeader(response.Code)
		return nil
	}
	r.Response.Header().Set("Content-Length", strconv.Itoa(len(response.Body)))
	r.Response.WriteHeader(response.Code)
	_, err := r.Response.Write(response.Body)
	return err
}

// hasBody reports whether an answer of a status may have a body.
func hasBody(status int) bool {
	return status != http.StatusNoContent && status != http.StatusNotModified
}

// setHeader sets the header of a function's answer. A function cannot set what frames
// the answer, log somebody in, or speak for other origins. What it answers with has no
// part in the server's origin in a browser; it can only narrow that further.
func setHeader(r *web.Request, response design.Response) {
	h := r.Response.Header()
	h.Set("Content-Security-Policy", "sandbox")
	for _, field := range response.Header {
		switch name := http.CanonicalHeaderKey(field.Name); name {
		case "Content-Length", "Transfer-Encoding", "Connection", "Set-Cookie":
		case "Content-Security-Policy", "Vary": // which may say more already
			h.Add(name, field.Value)
		default:
			if !isCORS(name) {
				h.Set(name, field.Value)
			}
		}
	}
	if h.Get("Content-Type") == "" && response.ContentType != "" {
		h.Set("Content-Type", response.ContentType)
	}
	if response.IsJSON && h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "must-revalidate")
	}
}

// isCORS reports whether a header is one of those by which the server tells a
// browser what other origins may see.
func isCORS(name string) bool { return strings.HasPrefix(name, "Access-Control-") }
