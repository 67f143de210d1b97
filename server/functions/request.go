package functions

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"net"
	"net/url"
	"slices"
	"strings"

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
}

// RequestObject returns the object for a function that sees no body, JSON. The request's
// database must be a [Database]; errors are its.
func RequestObject(r *web.Request) ([]byte, error) { return object{r: r}.append(nil) }

// append appends the object.
func (o object) append(dst []byte) ([]byte, error) {
	db := web.DatabaseOf[Database](o.r)
	info, err := db.Info(o.r.Context())
	if err != nil {
		return nil, err
	}
	security, err := db.Security(o.r.Context())
	if err != nil {
		return nil, err
	}
	query, err := queryObject(o.r.Query())
	if err != nil {
		return nil, err
	}
	dst = databases.AppendInfo(append(dst, `{"info":`...), &info, db.FormatSeq)
	dst = append(dst, `,"id":`...)
	if o.id == "" {
		dst = append(dst, "null"...)
	} else {
		dst = docjson.AppendString(dst, o.id)
	}
	dst = append(append(dst, `,"query":`...), query...)
	dst = o.appendRequest(dst)
	dst = o.appendBody(dst)
	dst = docjson.AppendUserCtx(append(dst, `,"userCtx":`...), info.Name, o.r.Session.User)
	dst = append(dst, `,"secObj":`...)
	if len(security) == 0 {
		security = []byte("{}")
	}
	return append(append(dst, security...), '}'), nil
}

// appendRequest appends the line of the request, and its header.
func (o object) appendRequest(dst []byte) []byte {
	path := segmentsOf(o.r.URL.EscapedPath())
	dst = docjson.AppendString(append(dst, `,"uuid":`...), uuid())
	dst = docjson.AppendString(append(dst, `,"method":`...), methodOf(o.r))
	dst = appendPath(append(dst, `,"requested_path":`...), path)
	if at := slices.Index(path, "_partition"); o.r.Param("partition") != "" && at >= 0 {
		path = slices.Delete(path, at, at+2) // functions see the path in the database, as in CouchDB
	}
	dst = appendPath(append(dst, `,"path":`...), path)
	dst = docjson.AppendString(append(dst, `,"raw_path":`...), valid(o.r.URL.RequestURI()))
	dst = append(dst, `,"headers":{`...)
	for name, values := range o.r.Header {
		if o.r.IsCredential(name) {
			continue
		}
		dst = docjson.AppendString(separate(dst), valid(name))
		dst = docjson.AppendString(append(dst, ':'), valid(strings.Join(values, ", ")))
	}
	dst = docjson.AppendString(append(separate(dst), `"Host":`...), valid(o.r.Host))
	host, _, _ := net.SplitHostPort(o.r.RemoteAddr)
	dst = docjson.AppendString(append(dst, `},"peer":`...), host)
	var cookies web.Query
	for _, c := range o.r.CookiesShown() {
		cookies = append(cookies, web.QueryParam{Name: valid(c.Name), Value: valid(c.Value)})
	}
	return appendPairs(append(dst, `,"cookie":`...), cookies)
}

// appendBody appends the body, and the form that it may be.
func (o object) appendBody(dst []byte) []byte {
	dst = append(dst, `,"body":`...)
	switch {
	case o.body == nil:
		dst = append(dst, `"undefined"`...)
	case o.json:
		dst = append(dst, o.body...)
	default:
		dst = docjson.AppendString(dst, valid(string(o.body)))
	}
	var form web.Query
	if o.r.MediaType() == "application/x-www-form-urlencoded" {
		for pair := range strings.SplitSeq(string(o.body), "&") {
			name, value, _ := strings.Cut(pair, "=")
			name, errName := url.QueryUnescape(name)
			value, errValue := url.QueryUnescape(value)
			if name != "" && errName == nil && errValue == nil {
				form = append(form, web.QueryParam{Name: valid(name), Value: valid(value)})
			}
		}
	}
	return appendPairs(append(dst, `,"form":`...), form)
}

// segmentsOf returns the segments of a path, unescaped.
func segmentsOf(path string) []string {
	segments := strings.Split(strings.TrimPrefix(path, "/"), "/")
	for i, segment := range segments {
		if plain, err := url.PathUnescape(segment); err == nil {
			segments[i] = plain
		}
	}
	return segments
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

// queryObject returns the parameters of a query, of which those that views read as JSON
// are shown as the values that they are. The error is a BadRequest.
func queryObject(query web.Query) ([]byte, error) {
	dst := []byte{'{'}
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
