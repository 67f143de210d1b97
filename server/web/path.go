package web

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"settle/storage/couch"
)

// sentPath returns a request's path as it was sent, escaped. net/url would escape
// it anew where it holds bytes that should have been escaped, and so lose which
// slashes were.
func sentPath(req *http.Request) string {
	path, _, _ := strings.Cut(req.RequestURI, "?")
	if strings.HasPrefix(path, "/") {
		return path
	}
	return req.URL.EscapedPath() // of a whole URL
}

var errURLEncoding = &couch.Error{Kind: couch.BadRequest, Reason: "invalid_url_encoding"}

// routePath brings an escaped path into the form that routes match on: empty
// segments are dropped, as CouchDB does, and every segment is unescaped except
// for "/" and "%". [unescapeSegment] takes those two away.
//
// "+" stands for a space in CouchDB's paths.
func routePath(escaped string) (string, error) {
	var b strings.Builder
	for segment := range strings.SplitSeq(escaped, "/") {
		if segment == "" {
			continue
		}
		name, err := url.QueryUnescape(segment)
		if err != nil {
			return "", errURLEncoding
		}
		b.WriteByte('/')
		segmentEscaper.WriteString(&b, name)
	}
	if b.Len() == 0 {
		return "/", nil
	}
	return b.String(), nil
}

// routePath is routePath without the prefix. The error is ErrNotFound below a first
// segment that is not served.
func (o *Options) routePath(escaped string) (string, error) {
	path, err := routePath(escaped)
	if err != nil || o.Prefix == "" && o.Serves == nil {
		return path, err
	}
	if o.Prefix != "" {
		path = "/" + strings.TrimPrefix(strings.TrimPrefix(path, "/"+o.Prefix), "/")
	}
	first, _, _ := strings.Cut(path[1:], "/")
	if first != "" && o.Serves != nil && !o.Serves(unescapeSegment(first)) {
		return "", couch.ErrNotFound
	}
	return path, nil
}

// FirstSegment returns the first segment of a request's path, unescaped; "" where
// there is none, or it cannot be unescaped.
func FirstSegment(req *http.Request) string {
	for segment := range strings.SplitSeq(sentPath(req), "/") {
		if segment != "" {
			name, _ := url.QueryUnescape(segment)
			return name
		}
	}
	return ""
}

var (
	segmentEscaper   = strings.NewReplacer("%", "%25", "/", "%2F")
	segmentUnescaper = strings.NewReplacer("%25", "%", "%2F", "/")
)

// unescapeSegment turns a segment of a route path into the name it stands for.
func unescapeSegment(s string) string {
	if strings.IndexByte(s, '%') < 0 {
		return s
	}
	return segmentUnescaper.Replace(s)
}

// EscapeSegment escapes a name for use as one segment of a URL's path, with "/"
// as %2F, the way CouchDB does in its Location headers.
func EscapeSegment(name string) string {
	const upperHex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(name) {
		c := name[i]
		if keptInSegment(c) {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(upperHex[c>>4])
		b.WriteByte(upperHex[c&15])
	}
	return b.String()
}

func keptInSegment(c byte) bool {
	switch {
	case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		return true
	}
	return c == '-' || c == '_' || c == '.' || c == ':'
}

// spansSegments reports whether a ":name" of the route has matched more than
// one segment: echo lets one that ends a pattern take the rest of the path.
func spansSegments(c echo.Context) bool {
	values := c.ParamValues()
	for i, name := range c.ParamNames() {
		if name != "*" && strings.IndexByte(values[i], '/') >= 0 {
			return true
		}
	}
	return false
}
