package web

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"runtime"
	"runtime/debug"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"settle/server/auth"
	"settle/storage/couch"
)

// Options is what the layer needs of the rest of the server. All but Credentials,
// Access, CORS, Count and Detached are required.
type Options struct {
	// Authenticate says who makes a request. An error becomes the answer.
	Authenticate func(*http.Request) (auth.Session, error)
	// Credentials names headers of requests that say who makes them, beside those
	// that Authorization and Cookie are. Nil: CouchDB's only.
	Credentials func() []string
	// Challenge returns the WWW-Authenticate header of a 401, "" for none.
	Challenge func(*http.Request) string
	// FindDatabase looks up the database that a route's ":db" names. The error
	// is a DatabaseMissing where there is none.
	FindDatabase func(ctx context.Context, name string) (Database, error)
	// Access returns what the database's security object makes of the user, and the
	// database as the user sees it, which handlers get. Nil: databases are for
	// server administrators only.
	Access func(ctx context.Context, db Database, user couch.UserCtx) (Database, auth.Rights, error)
	// CORS says which pages of other origins may ask. Nil: none.
	CORS func() CORS
	// Count is told of each answer: a method of HTTP's, or "other", and the status.
	// Nil: nobody counts.
	Count func(method string, status int)
	// Limits returns the bounds in force.
	Limits func() couch.Limits
	// Draining is closed when the server begins to shut down.
	Draining <-chan struct{}
	// Detached runs what goes on behind its handler, in a goroutine of its own. A
	// shutdown waits for it; the context ends when the time for that has run out. Nil:
	// nothing goes on behind its handler.
	Detached func(run func(context.Context))
	// Prefix is the first segment of every path that is served, which routes do not
	// have; "": there is none.
	Prefix string
	// Serves says whether there is anything below a path's first segment, which
	// stands behind the prefix. Nil: the tables say.
	Serves func(segment string) bool
	// ServerName is the Server header, "CouchDB/3.5.0 (settle)".
	ServerName string
	Logger     *slog.Logger
}

// NewHandler joins the tables of the families into one handler. It panics when
// two rows have the same method and path.
func NewHandler(options Options, tables ...[]Route) http.Handler {
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	h := &handler{echo: e, options: &options, byPath: map[string]*resource{}, compressors: &compressors{}}
	for _, res := range resources(tables) {
		h.byPath[res.path] = res
		e.Match(routedMethods, res.path, func(c echo.Context) error { return h.serve(c, res) })
	}
	e.HTTPErrorHandler = h.unrouted
	return h
}

// routedMethods are the methods that echo routes. Every path is registered for
// all of them: echo would else go on from "/:db/_all_docs" to "/:db/:doc" where
// only that has the method.
var routedMethods = []string{
	http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete, "COPY",
	http.MethodPatch, http.MethodOptions, http.MethodTrace, http.MethodConnect,
}

// overridable are the methods that a POST may stand in for.
var overridable = []string{
	http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete,
	http.MethodTrace, http.MethodConnect, "COPY", http.MethodPatch,
}

// handler is the root of the server's routes.
type handler struct {
	echo    *echo.Echo
	options *Options
	byPath  map[string]*resource

	compressors *compressors
}

// ServeHTTP prepares a request for routing, and routes it.
//
// Like the functions below it, down to a family's handler, it is split so that
// its own frame is small: a feed holds them all while it waits, and Go keeps a
// goroutine's stack at twice the size unless less than a quarter is used.
func (h *handler) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if req = h.prepare(w, req); req != nil {
		h.echo.ServeHTTP(w, req)
	}
}

// prepare sets the headers that every answer has, finds the method behind an
// override, and brings the path into the form that routes match on. It returns
// nil for a request that it has answered: one that it refused, or a preflight,
// which comes before any authentication.
func (h *handler) prepare(w http.ResponseWriter, req *http.Request) *http.Request {
	id := requestID()
	head := w.Header()
	head.Set("Server", h.options.ServerName)
	head.Set("X-Couch-Request-ID", id)
	head.Set("X-CouchDB-Body-Time", "0")
	if h.options.CORS != nil && h.options.CORS().answer(req, head) {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}

	path, err := h.options.routePath(sentPath(req))
	if len(req.RequestURI) > maxURI {
		err = &couch.Error{Kind: couch.URITooLong}
	}
	if err != nil {
		r := &Request{Request: req, Response: echo.NewResponse(w, h.echo), ID: id, options: h.options}
		r.writeError(err)
		r.drain()
		return nil
	}
	url := *req.URL
	url.RawPath = path
	req = req.WithContext(context.WithValue(req.Context(), requestIDKey{}, id))
	req.URL = &url
	req.Method = overriddenMethod(req)
	noteExpectation(req)
	return req
}

// maxURI bounds a request's path and query, in bytes. CouchDB's replicator asks
// for less at a time when it is told that its URL is too long.
const maxURI = 128 << 10

type requestIDKey struct{}

// requestID makes an id that finds a request in the log.
func requestID() string {
	var raw [5]byte
	rand.Read(raw[:])
	return hex.EncodeToString(raw[:])
}

// overriddenMethod returns the method that a POST's X-HTTP-Method-Override
// names. A HEAD by override is answered with a body, as a GET.
func overriddenMethod(req *http.Request) string {
	method := req.Header.Get("X-HTTP-Method-Override")
	if req.Method != http.MethodPost || !slices.Contains(overridable, method) {
		return req.Method
	}
	if method == http.MethodHead {
		return http.MethodGet
	}
	return method
}

// serve answers one routed request.
func (h *handler) serve(c echo.Context, res *resource) error {
	r := h.newRequest(c)
	defer h.log(r, res, time.Now())
	defer r.release()
	h.run(r, res)
	r.finish()
	r.drain()
	return nil
}

func (h *handler) newRequest(c echo.Context) *Request {
	r := &Request{Request: c.Request(), Response: c.Response(), params: c, options: h.options, compressors: h.compressors}
	r.ID, _ = r.Request.Context().Value(requestIDKey{}).(string)
	return r
}

// log tells of a request that is done.
func (h *handler) log(r *Request, res *resource, start time.Time) {
	if h.options.Count != nil {
		h.options.Count(methodName(r.Method), r.Response.Status)
	}
	h.options.Logger.Debug("request", "id", r.ID, "method", methodName(r.Method), "route", res.path,
		"status", r.Response.Status, "bytes", r.Response.Size, "took", time.Since(start))
}

// run writes the whole answer, or panics with http.ErrAbortHandler.
func (h *handler) run(r *Request, res *resource) {
	defer func() { h.recovered(r, recover()) }()
	if res.header != nil {
		res.header(r.Response.Header())
	}
	handler, err := h.admit(r, res)
	if err == nil {
		err = handler(r)
	}
	if err != nil {
		r.fail(err)
	}
}

// finish sends what is held back of a whole answer.
func (r *Request) finish() {
	if r.compressed == nil {
		return
	}
	if err := r.compressed.finish(); err != nil {
		panic(http.ErrAbortHandler) // the client is gone
	}
}

// release gives back what the answer was made with.
func (r *Request) release() {
	if r.compressed != nil {
		r.compressed.release()
	}
}

// admit authenticates and authorizes a request, and returns the handler of its
// method.
func (h *handler) admit(r *Request, res *resource) (_ Handler, err error) {
	if spansSegments(r.params) {
		return nil, couch.ErrNotFound
	}
	if r.query, err = parseQuery(r.URL.RawQuery); err != nil {
		return nil, err
	}
	if r.Session, err = h.authenticate(r.Request); err != nil {
		return nil, err
	}
	if r.Session.Renewed != "" {
		r.Response.Header().Add("Set-Cookie", r.Session.Renewed)
	}
	r.Request = r.Request.WithContext(couch.WithUser(r.Context(), r.Session.User))
	route, ok := res.find(r.Method)
	if !ok {
		route.Privilege, route.Handler = res.privilege, methodNotAllowed(res)
	}
	if err := h.authorize(r, route.Privilege); err != nil {
		return nil, err
	}
	return route.Handler, nil
}

// methodNotAllowed is the handler of a method that the path does not have.
func methodNotAllowed(res *resource) Handler {
	return func(r *Request) error {
		return r.OnlyAllow(res.allow())
	}
}

// unrouted answers what no route takes: an unknown method on a known path, or
// an unknown path.
func (h *handler) unrouted(err error, c echo.Context) {
	if res := h.byPath[c.Path()]; res != nil && errors.Is(err, echo.ErrMethodNotAllowed) {
		known := *res
		if known.privilege.ofDatabase() {
			known.privilege = ServerAdmin // echo gives no parameters here, so no database
		}
		h.serve(c, &known)
		return
	}
	h.serve(c, &resource{routes: map[string]Route{
		c.Request().Method: {Handler: func(*Request) error { return couch.ErrNotFound }},
	}})
}

// methodName returns a method for the log: what is none of HTTP's is only told
// to be so.
func methodName(method string) string {
	if slices.Contains(routedMethods, method) {
		return method
	}
	return "other"
}

// recovered answers 500 for a handler that panicked. The log gets the place, but
// of the panic's value only the runtime's own messages: others may hold content.
func (h *handler) recovered(r *Request, cause any) {
	if cause == nil {
		return
	}
	if cause == http.ErrAbortHandler {
		panic(cause)
	}
	fault, _ := cause.(runtime.Error)
	h.options.Logger.Error("a handler panicked", "id", r.ID, "route", r.params.Path(), "fault", fault, "stack", string(debug.Stack()))
	r.refuse(&couch.Error{Kind: couch.Internal})
}

// fail turns an error into the answer, and logs one that is the server's.
func (r *Request) fail(err error) {
	status, _, _ := Describe(err)
	gone := r.Request.Context().Err() != nil
	if status == http.StatusInternalServerError && !gone {
		r.options.Logger.Error("a request failed", "id", r.ID, "route", r.params.Path(), "error", err)
	}
	r.refuse(err)
}

// refuse answers with an error. Where the answer has begun, the connection is cut.
func (r *Request) refuse(err error) {
	if r.Response.Committed {
		panic(http.ErrAbortHandler)
	}
	r.writeError(err)
}

// loginPage is where CouchDB sends a browser that has not logged in.
const loginPage = "/_utils/session.html"

// isForPage reports whether the client takes pages, but no JSON.
func (r *Request) isForPage() bool { return !r.Accepts("application/json") && r.Accepts("text/html") }

// retryAfter is after how many seconds a client may ask again for what another server
// did not give.
const retryAfter = "10"

// writeError answers with an error, as CouchDB prints it.
func (r *Request) writeError(err error) {
	status, name, reason := Describe(err)
	h := r.Response.Header()
	for _, name := range []string{"ETag", "Content-Length", "Content-MD5", "Content-Range", "Content-Type", "Accept-Ranges", "Cache-Control", "Location"} {
		h.Del(name)
	}
	varyByOrigin(h)
	if errors.Is(err, &couch.Error{Kind: couch.Away}) {
		h.Set("Retry-After", retryAfter)
	}
	if status == http.StatusUnauthorized {
		if challenge := r.options.Challenge(r.Request); challenge != "" {
			h.Set("WWW-Authenticate", challenge)
		} else if r.isForPage() {
			status = http.StatusFound
			h.Set("Location", r.AbsoluteURL()+loginPage+"?return="+EscapeSegment(r.URL.Path)+"&reason="+EscapeSegment(reason))
		}
	}
	r.WriteJSON(status, struct { // the client is gone when this fails
		Error  string          `json:"error"`
		Reason json.RawMessage `json:"reason"`
	}{name, reasonJSON(err, reason)})
}
