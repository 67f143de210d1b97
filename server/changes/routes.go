package changes

import (
	"net/http"
	"time"

	"settle/server/web"
	"settle/storage/design"
)

// Options is what the feeds stand on.
type Options struct {
	// Longest tells how long a feed may be quiet, by timeout or heartbeat.
	Longest func() time.Duration
	// Functions runs the functions that filter documents.
	Functions *design.Engine
	// RequestObject returns what those are shown of a request, JSON. body is the
	// request's, JSON, nil where it has none.
	RequestObject func(r *web.Request, body []byte) ([]byte, error)
}

// source makes feeds.
type source struct {
	Options
	designs *designs
}

// Routes returns the table of the feeds. CouchDB ignores what stands behind
// `_changes/`.
func Routes(o Options) []web.Route {
	s := &source{Options: o, designs: &designs{engine: o.Functions}}
	return []web.Route{
		{Method: "GET", Path: "/:db/_changes", Privilege: web.Reader, Handler: s.serve},
		{Method: "POST", Path: "/:db/_changes", Privilege: web.Reader, Handler: s.serve},
		{Method: "GET", Path: "/:db/_changes/*", Privilege: web.Reader, Handler: s.serve},
		{Method: "POST", Path: "/:db/_changes/*", Privilege: web.Reader, Handler: s.serve},
	}
}

// serve answers with the feed that the request asks for. It keeps nothing on the
// stack but the feed, which may wait for long.
func (s *source) serve(r *web.Request) error {
	f, err := s.open(r)
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
func (s *source) open(r *web.Request) (*feed, error) {
	o, err := parseOptions(r.Query(), r.Header.Get("Last-Event-ID"), s.Longest())
	if err != nil {
		return nil, err
	}
	db := web.DatabaseOf[Database](r)
	filter, err := s.readFilter(r, db, o.filter)
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
