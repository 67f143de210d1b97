package functions

import (
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"settle/server/web"
	"settle/storage/couch"
	"settle/storage/design"
	"settle/storage/docjson"
)

// errInsecure is the answer to a rewrite that leaves its database.
var errInsecure = &web.Error{Status: http.StatusBadRequest, Name: "insecure_rewrite_rule", Reason: "too many ../.. segments"}

// rewrite sends a request on to where the design document's rules say, or answers it
// by its function.
func (f *Functions) rewrite(r *web.Request) error {
	if depthOf(r.Context()) >= maxRewrites {
		return couch.Errorf(couch.BadRequest, "Exceeded rewrite recursion limit")
	}
	db := web.DatabaseOf[Database](r)
	doc, err := db.Get(r.Context(), couch.DocID(couch.DesignPrefix)+r.DocID("design"), couch.GetOptions{})
	if err != nil {
		return err
	}
	d, err := f.engine.Document(db.Whole().Incarnation(), docjson.AppendDocument(nil, doc, docjson.Print{}))
	if err != nil {
		return err
	}
	if d.RewritesByFunction() {
		return f.rewriteByFunction(r, d)
	}
	rules, err := parseRules(doc.Body.Text)
	if err != nil {
		return err
	}
	query := queryWithin(r)
	to, ok, err := route(rules, methodOf(r), r.Segments("*"), query)
	if err != nil {
		return err
	}
	if !ok {
		return couch.ErrNotFound
	}
	path, err := resolve(r, to)
	if err != nil {
		return err
	}
	return f.sendOn(r, target{path: path, query: query})
}

// queryWithin is the query of a request, with the partition that its path names.
func queryWithin(r *web.Request) url.Values {
	query := r.URL.Query()
	if name := r.Param("partition"); name != "" {
		query.Set("partition", name)
	}
	return query
}

// methodOf is the method that rules see: a HEAD is a GET to them.
func methodOf(r *web.Request) string {
	if r.Method == http.MethodHead {
		return http.MethodGet
	}
	return r.Method
}

// target is where a request goes instead.
type target struct {
	path   string // escaped
	query  url.Values
	method string // "": the request's
	header []design.HeaderField
	body   *string // nil: the request's
}

func (f *Functions) rewriteByFunction(r *web.Request, d *design.Document) error {
	body, err := readBody(r)
	if err != nil {
		return err
	}
	req, err := object{r: r, body: body, bare: true}.append(nil)
	if err != nil {
		return err
	}
	w, err := d.Rewrite(r.Context(), req)
	if err != nil {
		return err
	}
	if w.Response.HasCode {
		return answer(r, w.Response)
	}
	plain, own, _ := strings.Cut(w.Path, "?")
	path, err := resolve(r, unescapedSegments(plain))
	if err != nil {
		return err
	}
	to := target{path: path, query: queryWithin(r), method: w.Method, header: w.Header, body: w.Body}
	if to.body == nil {
		text := string(body)
		to.body = &text
	}
	if w.Query != nil {
		to.query = make(url.Values)
		for name, value := range w.Query {
			to.query.Set(name, value)
		}
	}
	parameters, err := url.ParseQuery(own)
	if err != nil {
		return couch.Errorf(couch.BadRequest, "The query of the new path is malformed.")
	}
	maps.Copy(to.query, parameters)
	return f.sendOn(r, to)
}

// textOf is a string's value, or the JSON of another.
func textOf(value json.RawMessage) string {
	var text string
	if json.Unmarshal(value, &text) != nil {
		return string(value)
	}
	return text
}

// segments parts a path and leaves out empty segments.
func segments(path string) []string {
	return strings.FieldsFunc(path, func(c rune) bool { return c == '/' })
}

// unescapedSegments parts an escaped path. What cannot be unescaped stays as it is.
func unescapedSegments(path string) []string {
	parts := segments(path)
	for i, part := range parts {
		if plain, err := url.QueryUnescape(part); err == nil {
			parts[i] = plain
		}
	}
	return parts
}

// resolve turns a path that is relative to the design document into one of the server.
// It must stay in the database: the error is errInsecure.
func resolve(r *web.Request, to []string) (string, error) {
	at := []string{"_design", r.Param("design")}
	for _, segment := range to {
		switch segment {
		case ".":
		case "..":
			if len(at) == 0 {
				return "", errInsecure
			}
			at = at[:len(at)-1]
		default:
			at = append(at, segment)
		}
	}
	path := "/" + web.EscapeSegment(web.DatabaseOf[Database](r).Name())
	for _, segment := range at {
		path += "/" + web.EscapeSegment(segment)
	}
	return path, nil
}

// maxRewrites is how often one request is rewritten: CouchDB's `rewrite_limit`.
const maxRewrites = 100

type depthKey struct{}

func depthOf(ctx context.Context) int {
	n, _ := ctx.Value(depthKey{}).(int)
	return n
}

// sendOn answers the request that was made of this one, with the rights of who sent it.
func (f *Functions) sendOn(r *web.Request, to target) error {
	ctx := web.WithSession(context.WithValue(r.Context(), depthKey{}, depthOf(r.Context())+1), r.Session)
	sent := r.Request.Clone(ctx)
	sent.URL.Path, sent.URL.RawPath = unescaped(to.path), to.path
	sent.URL.RawQuery = to.query.Encode()
	sent.RequestURI = sent.URL.RequestURI()
	if to.method != "" {
		sent.Method = to.method
	}
	for _, field := range to.header {
		if !r.IsCredential(field.Name) {
			sent.Header.Set(field.Name, field.Value)
		}
	}
	if to.body != nil {
		sent.Body, sent.ContentLength = io.NopCloser(strings.NewReader(*to.body)), int64(len(*to.body))
		sent.Header.Del("Content-Encoding")
		if len(*to.body) > 0 || sent.Header.Get("Content-Length") != "" {
			sent.Header.Set("Content-Length", strconv.Itoa(len(*to.body)))
		}
	}
	f.serve(r.Response, sent)
	return nil
}

func unescaped(path string) string {
	plain, err := url.PathUnescape(path)
	if err != nil {
		return path
	}
	return plain
}
