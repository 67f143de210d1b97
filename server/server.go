package server

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"settle/server/auth"
	"settle/server/changes"
	"settle/server/config"
	"settle/server/databases"
	"settle/server/delivery"
	"settle/server/documents"
	"settle/server/find"
	"settle/server/functions"
	"settle/server/metadata"
	"settle/server/node"
	"settle/server/query"
	"settle/server/replicator"
	"settle/server/session"
	"settle/server/uploads"
	"settle/server/web"
	"settle/storage"
	"settle/storage/design"
	"settle/storage/metaview"
	"settle/storage/view"
)

// Bounds on connections.
const (
	readHeaderTimeout = 30 * time.Second
	idleTimeout       = 5 * time.Minute
	maxHeaderBytes    = 256 << 10 // `keys` and `atts_since` travel in URLs
)

// Options is what a server stands on. All but the certificate are required.
type Options struct {
	Store       *storage.Store
	Indexes     *view.Indexes  // over Store; the caller closes them, behind Shutdown
	Functions   *design.Engine // runs design documents' functions; the caller closes it, behind Indexes
	Auth        *auth.Auth
	Config      *config.Config
	Logger      *slog.Logger
	Certificate *Certificate // nil: no TLS
}

// Server serves one store.
type Server struct {
	http      *http.Server
	databases *databases.Databases

	replicator *replicator.Replicator

	draining  chan struct{} // closed when the end begins
	drainOnce sync.Once
	cancel    context.CancelFunc // ends the context of every request

	uploads *uploads.Uploads

	background func() // what goes on beside the requests, until the end

	requests running // the running handlers, and detached requests
	counters *node.Counters
}

// New returns a server that is not listening yet.
func New(o Options) *Server {
	s := &Server{
		draining:  make(chan struct{}),
		databases: databases.New(o.Store, o.Logger),
		counters:  node.NewCounters(),

		replicator: newReplicator(o),
	}
	o.Store.Deferred().SetOrigin(s.replicator)
	ctx, cancel := context.WithCancel(context.Background())
	s.cancel = cancel
	s.uploads = uploads.New(uploadExpiry(o.Config))
	s.background = func() { go expireUploads(ctx, o); go keepAncestors(ctx, o) }
	handler := s.handler(ctx, o)
	s.http = &http.Server{
		Handler:           s.counted(withVia(handler)),
		ReadHeaderTimeout: readHeaderTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ConnContext:       withConn,
		ConnState:         markIdle,
		ErrorLog:          slog.NewLogLogger(o.Logger.Handler(), slog.LevelDebug),
		Protocols:         protocols(),
	}
	if o.Certificate != nil {
		s.http.TLSConfig = o.Certificate.tlsConfig()
	}
	return s
}

// handler returns what answers the requests: those whose path begins with the prefix
// of metadata replicas in the databases' metadata view, others in the ordinary one.
func (s *Server) handler(ctx context.Context, o Options) http.Handler {
	options := web.Options{
		Authenticate: o.Auth.Authenticate,
		Credentials:  o.Auth.ProxyHeaders,
		Challenge:    o.Auth.Challenge,
		FindDatabase: findDatabase(o.Store),
		Access:       accessTo(o, metaview.Ordinary),
		CORS:         corsPolicy(o.Config),
		Count:        s.counters.CountRequest,
		Limits:       o.Config.Limits,
		Draining:     s.draining,
		Detached:     s.detached(ctx),
		ServerName:   serverName,
		Logger:       o.Logger,
	}
	ordinary := s.view(o, options, o.Store)
	options.Prefix, options.Serves = metadata.Prefix, metadata.Serves
	options.Access = accessTo(o, metaview.Metadata)
	return metadata.Dispatch(s.view(o, options, metadata.NewNode(o.Store)), ordinary)
}

// view returns what answers the requests in one view of the databases, also those that
// the design documents' rewrites make of others.
func (s *Server) view(o Options, options web.Options, store node.Store) http.Handler {
	var handler http.Handler
	again := func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }
	handler = web.NewHandler(options, s.tables(o, store, again)...)
	return handler
}

// tables returns the routes of every family; of the server itself store tells, and
// again answers requests that were rewritten.
func (s *Server) tables(o Options, store node.Store, again http.HandlerFunc) [][]web.Route {
	queries := query.New(o.Indexes)
	store = withReplications{allTasks{store, o.Indexes}, s.replicator}
	return [][]web.Route{
		node.Routes(store, o.Config, o.Auth, s.counters),
		session.Routes(o.Auth),
		s.databases.Routes(),
		changes.Routes(changes.Options{Longest: changesTimeout(o.Config), Functions: o.Functions, RequestObject: functions.RequestObject}),
		changes.UpdatesRoutes(findUpdates(o.Store), changesTimeout(o.Config)),
		documents.Routes(),
		delivery.Routes(),
		queries.Routes(),
		functions.New(o.Functions, queries, again).Routes(),
		find.New(o.Indexes, findSettings(o.Config)).Routes(),
		s.uploads.Routes(),
		metadata.Routes(),
		s.replicator.Routes(),
	}
}

func findDatabase(store *storage.Store) func(context.Context, string) (web.Database, error) {
	return func(ctx context.Context, name string) (web.Database, error) {
		db, err := store.Database(ctx, name)
		if err != nil {
			return nil, err
		}
		return db, nil
	}
}

// protocols are HTTP/1.1 and HTTP/2, the latter without encryption too, for
// proxies that speak it to what is behind them.
func protocols() *http.Protocols {
	p := new(http.Protocols)
	p.SetHTTP1(true)
	p.SetHTTP2(true)
	p.SetUnencryptedHTTP2(true)
	return p
}

// counted lets Shutdown wait for handlers, also those whose connection is gone,
// and marks their connections.
func (s *Server) counted(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.requests.begin()
		defer s.requests.end()
		if r.ProtoMajor == 1 && r.TransferEncoding != nil {
			// It may have had a length too, which net/http does not tell. Then a proxy
			// may see another end, and nothing behind it may count (RFC 9112, 6.1).
			w.Header().Set("Connection", "close")
		}
		markBusy(r)
		next.ServeHTTP(w, r)
	})
}

// detached runs requests that have left their handlers, until ctx ends.
func (s *Server) detached(ctx context.Context) func(func(context.Context)) {
	return func(run func(context.Context)) {
		s.requests.begin()
		go func() {
			defer s.requests.end()
			run(ctx)
		}()
	}
}

// Handler returns what answers the requests.
func (s *Server) Handler() http.Handler { return s.http.Handler }

// Serve answers requests on a listener, which it closes, until Shutdown. The
// error is nil after Shutdown. Over TLS, requests that net/http cannot read are
// refused in its own words, not in JSON.
func (s *Server) Serve(listener net.Listener) error {
	s.background()
	s.replicator.Start(listener.Addr())
	var err error
	if s.http.TLSConfig != nil {
		err = s.http.ServeTLS(listener, "", "")
	} else {
		err = s.http.Serve(refusingListener{listener})
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// lastMoment is what Shutdown keeps of its time for requests that it has to cut.
const lastMoment = time.Second

// Shutdown takes no more requests, ends the feeds, and waits for the running
// requests until shortly before ctx ends; those that are left then are cut. When
// it returns nil no handler is running, nor a compaction that one began.
func (s *Server) Shutdown(ctx context.Context) error {
	s.drainOnce.Do(func() { close(s.draining) })
	s.replicator.Close()
	patient := ctx
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		patient, cancel = context.WithDeadline(ctx, deadline.Add(-lastMoment))
		defer cancel()
	}
	err := s.http.Shutdown(patient)
	s.requests.wait(patient) // for detached requests; what is left is cut now
	s.cancel()
	if err != nil {
		s.http.Close()
	}
	err = s.requests.wait(ctx)
	s.databases.Close()
	return err
}
