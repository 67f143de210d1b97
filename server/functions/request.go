package functions

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"net"
	"net/url"
	"slices"
	"strings"

	"settle/server/auth"
	"settle/server/databases"
	"settle/server/web"
	"settle/storage/couch"
	"settle/storage/docjson"
)

// object is the request object that functions see: what the client sent, and who it is.
// The members are those of chttpd_external:json_req_obj, but for what the client proves
// by who it is: code that strangers write is not to have that.
type object struct {
	r    *web.Request
	id   string
	body []byte // nil: none
	json bool   // the body is shown as the value that it is, not as text
	// bare leaves out what CouchDB does not show of requests that are rewritten.
	bare bool
}

// RequestObject returns the object for a function that filters changes, JSON. body is
// that of the request, JSON, nil where it has none. The request's database must be a
// [Database]; errors are its.
func RequestObject(r *web.Request, body []byte) ([]byte, error) {
	return object{r: r, body: body, json: body != nil}.append(nil)
}

// append appends the object.
func (o object) append(dst []byte) ([]byte, error) {
	db := web.DatabaseOf[Database](o.r)
	security, err := db.Security(o.r.Context())
	if err != nil {
		return nil, err
	}
	dst = append(dst, '{')
	if !o.bare {
		if dst, err = o.appendAbout(dst, db); err != nil {
			return nil, err
		}
	}
	dst = docjson.AppendString(append(separate(dst), `"method":`...), methodOf(o.r))
	dst = o.appendPaths(dst)
	if dst, err = appendQuery(append(dst, `,"query":`...), o.r.Query()); err != nil {
		return nil, err
	}
	dst = o.appendHeader(append(dst, `,"headers":`...))
	dst = o.appendBody(append(dst, `,"body":`...))
	host, _, _ := net.SplitHostPort(o.r.RemoteAddr)
	dst = docjson.AppendString(append(dst, `,"peer":`...), host)
	if !o.bare {
		dst = appendPairs(append(dst, `,"form":`...), o.form())
	}
	dst = o.appendCookies(append(dst, `,"cookie":`...))
	dst = docjson.AppendUserCtx(append(dst, `,"userCtx":`...), db.Name(), o.r.Session.User)
	if len(security) == 0 {
		security = []byte(auth.DefaultSecurity)
	}
	return append(append(append(dst, `,"secObj":`...), security...), '}'), nil
}

// appendAbout appends what the request is about.
func (o object) appendAbout(dst []byte, db Database) ([]byte, error) {
	info, err := db.Info(o.r.Context())
	if err != nil {
		return nil, err
	}
	dst = databases.AppendInfo(append(dst, `"info":`...), &info, db.FormatSeq)
	dst = docjson.AppendString(append(dst, `,"uuid":`...), uuid())
	dst = append(dst, `,"id":`...)
	if o.id == "" {
		return append(dst, "null"...), nil
	}
	return docjson.AppendString(dst, o.id), nil
}

// appendPaths appends the path in its forms. As in CouchDB the query belongs to the last
// segment of the requested one.
func (o object) appendPaths(dst []byte) []byte {
	raw := o.r.RequestURI
	if !strings.HasPrefix(raw, "/") { // a whole URL
		raw = o.r.URL.RequestURI()
	}
	plain, _, _ := strings.Cut(raw, "?")
	path := unescapedSegments(plain)
	if at := slices.Index(path, "_partition"); o.r.Param("partition") != "" && at >= 0 {
		path = slices.Delete(path, at, at+2) // functions see the path in the database, as in CouchDB
	}
	dst = appendPath(append(dst, `,"requested_path":`...), unescapedSegments(raw))
	dst = appendPath(append(dst, `,"path":`...), path)
	return docjson.AppendString(append(dst, `,"raw_path":`...), valid(raw))
}

// appendHeader appends the header, in the order of names.
func (o object) appendHeader(dst []byte) []byte {
	fields := web.Query{{Name: "Host", Value: o.r.Host}}
	for name, values := range o.r.Header {
		if !o.r.IsCredential(name) {
			fields = append(fields, web.QueryParam{Name: name, Value: strings.Join(values, ", ")})
		}
	}
	slices.SortFunc(fields, func(a, b web.QueryParam) int { return strings.Compare(a.Name, b.Name) })
	return appendPairs(dst, fields)
}

func (o object) appendCookies(dst []byte) []byte {
	var cookies web.Query
	for _, c := range o.r.CookiesShown() {
		cookies = append(cookies, web.QueryParam{Name: c.Name, Value: c.Value})
	}
	return appendPairs(dst, cookies)
}

// appendBody appends the body. One that is empty is told from none.
func (o object) appendBody(dst []byte) []byte {
	switch {
	case o.body == nil && o.r.ContentLength == 0 && o.r.Header.Get("Content-Length") == "":
		return append(dst, `"undefined"`...)
	case o.json:
		return append(dst, o.body...)
	}
	return docjson.AppendString(dst, valid(string(o.body)))
}

// form returns the form that the body may be.
func (o object) form() (form web.Query) {
	if o.r.MediaType() != "application/x-www-form-urlencoded" {
		return nil
	}
	for pair := range strings.SplitSeq(string(o.body), "&") {
		name, value, _ := strings.Cut(pair, "=")
		name, errName := url.QueryUnescape(name)
		value, errValue := url.QueryUnescape(value)
		if name != "" && errName == nil && errValue == nil {
			form = append(form, web.QueryParam{Name: name, Value: value})
		}
	}
	return form
}

// appendPath appends an array of segments.
func appendPath(dst []byte, segments []string) []byte {
	dst = append(dst, '[')
	for i, segment := range segments {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = docjson.AppendString(dst, valid(segment))
	}
	return append(dst, ']')
}

// appendQuery appends the parameters of a query, of which those that views read as JSON
// are shown as the values that they are. The error is a BadRequest.
func appendQuery(dst []byte, query web.Query) ([]byte, error) {
	dst = append(dst, '{')
	for _, p := range query {
		dst = append(docjson.AppendString(separate(dst), valid(p.Name)), ':')
		switch p.Name {
		case "key", "startkey", "endkey", "descending":
			if !json.Valid([]byte(p.Value)) {
				return nil, couch.Errorf(couch.BadRequest, "invalid_json")
			}
			dst = append(dst, valid(p.Value)...)
		default:
			dst = docjson.AppendString(dst, valid(p.Value))
		}
	}
	return append(dst, '}'), nil
}

// appendPairs appends an object. Of pairs with one name the last counts, as in
// JavaScript.
func appendPairs(dst []byte, pairs web.Query) []byte {
	dst = append(dst, '{')
	for _, p := range pairs {
		dst = docjson.AppendString(separate(dst), valid(p.Name))
		dst = docjson.AppendString(append(dst, ':'), valid(p.Value))
	}
	return append(dst, '}')
}

// separate appends a comma, unless an object begins.
func separate(dst []byte) []byte {
	if dst[len(dst)-1] == '{' {
		return dst
	}
	return append(dst, ',')
}

// valid makes a text UTF-8, which what clients send need not be.
func valid(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

func uuid() string {
	var b [16]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}
