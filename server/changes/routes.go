package changes

import (
	"net/http"

	"settle/server/web"
)

// Routes returns the table of the feeds. CouchDB ignores what stands behind
// `_changes/`.
func Routes() []web.Route {
	return []web.Route{
		{Method: "GET", Path: "/:db/_changes", Privilege: web.Reader, Handler: serve},
		{Method: "POST", Path: "/:db/_changes", Privilege: web.Reader, Handler: serve},
		{Method: "GET", Path: "/:db/_changes/*", Privilege: web.Reader, Handler: serve},
		{Method: "POST", Path: "/:db/_changes/*", Privilege: web.Reader, Handler: serve},
	}
}

// serve answers with the feed that the request asks for. It keeps nothing on the
// stack but the feed, which may wait for long.
func serve(r *web.Request) error {
	f, err := open(r)
	switch {
	case err != nil || f == nil:
		return err
	case r.Method == http.MethodHead:
		return f.out.flush()
	case f.o.kind.live():
		return f.runDetached()
	}
	return f.run()
}

// open makes the feed that the request asks for. It is nil where the answer is
// that nothing has changed.
func open(r *web.Request) (*feed, error) {
	o, err := parseOptions(r.Query(), r.Header.Get("Last-Event-ID"))
	if err != nil {
		return nil, err
	}
	db := web.DatabaseOf[Database](r)
	filter, err := readFilter(r, db, o.filter)
	if err != nil {
		return nil, err
	}
	f := &feed{r: r, db: db, o: o, filter: filter, left: o.limit, out: newOutput(r, o.kind.layout())}
	if err := f.start(); err != nil {
		return nil, err
	}
	if o.kind == normal {
		if r.NotModified(db.FormatSeq(f.newest)) {
			return nil, nil
		}
		r.CompressAnswer()
	}
	return f, nil
}
