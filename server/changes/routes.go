package changes

import (
	"net/http"

	"settle/server/web"
)

// Routes returns the table of the feeds.
func Routes() []web.Route {
	return []web.Route{
		{Method: "GET", Path: "/:db/_changes", Privilege: web.Reader, Handler: serve},
		{Method: "POST", Path: "/:db/_changes", Privilege: web.Reader, Handler: serve},
	}
}

// serve answers with the feed that the request asks for.
func serve(r *web.Request) error {
	o, err := parseOptions(r.Query(), r.Header.Get("Last-Event-ID"))
	if err != nil {
		return err
	}
	db := web.DatabaseOf[Database](r)
	filter, err := readFilter(r, db, o.filter)
	if err != nil {
		return err
	}
	f := &feed{r: r, db: db, o: o, filter: filter, left: o.limit, out: newOutput(r, o.kind.layout())}
	if err := f.start(); err != nil {
		return err
	}
	if o.kind == normal && r.NotModified(db.FormatSeq(f.newest)) {
		return nil
	}
	if o.kind == normal {
		r.CompressAnswer()
	}
	if r.Method == http.MethodHead {
		return f.out.flush()
	}
	return f.run()
}
