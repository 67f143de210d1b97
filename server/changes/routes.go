package changes

import (
	"net/http"
	"time"

	"settle/server/web"
)

// Routes returns the table of the feeds. CouchDB ignores what stands behind
// `_changes/`. longest tells how long a feed may be quiet, by timeout or heartbeat.
func Routes(longest func() time.Duration) []web.Route {
	serve := func(r *web.Request) error { return serve(r, longest()) }
	return []web.Route{
		{Method: "GET", Path: "/:db/_changes", Privilege: web.Reader, Handler: serve},
		{Method: "POST", Path: "/:db/_changes", Privilege: web.Reader, Handler: serve},
		{Method: "GET", Path: "/:db/_changes/*", Privilege: web.Reader, Handler: serve},
		{Method: "POST", Path: "/:db/_changes/*", Privilege: web.Reader, Handler: serve},
	}
}

// serve answers with the feed that the request asks for. It keeps nothing on the
// stack but the feed, which may wait for long.
func serve(r *web.Request, longest time.Duration) error {
	f, err := open(r, longest)
	return answer(r, f, err)
}

// answer runs a feed that was opened, or answers with the error.
func answer(r *web.Request, f *feed, err error) error {
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
func open(r *web.Request, longest time.Duration) (*feed, error) {
	o, err := parseOptions(r.Query(), r.Header.Get("Last-Event-ID"), longest)
	if err != nil {
		return nil, err
	}
	db := web.DatabaseOf[Database](r)
	filter, err := readFilter(r, db, o.filter)
	if err != nil {
		return nil, err
	}
	return begin(&feed{r: r, db: db, o: o, filter: filter, out: newOutput(r, o.kind.layout())})
}

// begin starts a feed. It is nil where the answer is that nothing has changed.
func begin(f *feed) (*feed, error) {
	f.left = f.o.limit
	if err := f.start(); err != nil {
		return nil, err
	}
	if r := f.r; f.o.kind == normal {
		if r.NotModified(f.db.FormatSeq(f.newest)) {
			return nil, nil
		}
		r.CompressAnswer()
	}
	return f, nil
}
