package replicator

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"settle/replication"
	"settle/replication/remote"
	"settle/replication/scheduler"
	"settle/server/config"
	"settle/storage"
	"settle/storage/couch"
	"settle/storage/design"
)

// Options is what a Replicator stands on. All are required.
type Options struct {
	Store     *storage.Store
	Config    *config.Config
	Functions *design.Engine
	Logger    *slog.Logger
	TLS       bool // the server is asked by https
	// Find returns a local database as a user may read it. Errors: DatabaseMissing,
	// Unauthorized, Forbidden.
	Find func(ctx context.Context, name string, user couch.UserCtx) (replication.Database, error)
}

// Replicator runs replications.
type Replicator struct {
	Options
	scheduler *scheduler.Scheduler
	docs      *documents
	origins   origins

	own     atomic.Pointer[netip.AddrPort] // where the server listens; nil: nowhere yet
	stop    context.CancelFunc
	ctx     context.Context
	working sync.WaitGroup

	mu      sync.Mutex
	started bool
	waiting map[string][]chan outcome // for the end of jobs, by their ids
}

// New returns a replicator that runs nothing yet.
func New(o Options) *Replicator {
	r := &Replicator{Options: o, waiting: make(map[string][]chan outcome)}
	r.ctx, r.stop = context.WithCancel(context.Background())
	milliseconds := func(id config.ID) func() time.Duration {
		return func() time.Duration { return time.Duration(o.Config.Int(id)) * time.Millisecond }
	}
	number := func(id config.ID) func() int { return func() int { return int(o.Config.Int(id)) } }
	r.scheduler = scheduler.Start(scheduler.Options{
		MaxJobs: number(config.ReplicatorMaxJobs), MaxChurn: number(config.ReplicatorMaxChurn),
		MaxHistory: number(config.ReplicatorMaxHistory), Interval: milliseconds(config.ReplicatorInterval),
		Logger: o.Logger,
	})
	r.docs = newDocuments(r)
	return r
}

// Start begins to follow the documents of `_replicator` databases; listener is where
// the server can be asked. After Close it does nothing.
func (r *Replicator) Start(listener net.Addr) {
	if addr, ok := listener.(*net.TCPAddr); ok {
		own := addr.AddrPort()
		r.own.Store(&own)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.started || r.ctx.Err() != nil {
		return
	}
	r.started = true
	r.working.Go(func() { r.docs.follow(r.ctx) })
	r.working.Go(r.followConfig)
}

// followConfig lets the scheduler know when the configuration changes.
func (r *Replicator) followConfig() {
	for {
		changed := r.Config.Changed()
		r.scheduler.Retune()
		select {
		case <-changed:
		case <-r.ctx.Done():
			return
		}
	}
}

// Close stops all replications, which keep checkpoints, and waits for that.
func (r *Replicator) Close() {
	r.mu.Lock() // a Start comes before or does nothing
	r.stop()
	r.mu.Unlock()
	r.scheduler.Close()
	r.working.Wait()
	r.origins.forget()
}

// warn logs a failure, unless it is that the store or its engine has ended: who ended
// it tells of that.
func (r *Replicator) warn(message string, err error, args ...any) {
	if !errors.Is(err, couch.ErrUnavailable) {
		r.Logger.Warn(message, append(args, "error", err)...)
	}
}

// task is a replication that somebody asks for.
type task struct {
	spec *replication.Spec
	user couch.UserCtx
}

func (t task) isAdmins() bool { return slices.Contains(t.user.Roles, couch.AdminRole) }

// sides makes the two databases of a replication; done ends their connections.
func (r *Replicator) sides(t task) (source replication.Source, target replication.Target, done func(), err error) {
	from, closeFrom, err := r.side(t, &t.spec.Source)
	if err != nil {
		return nil, nil, nil, err
	}
	to, closeTo, err := r.side(t, &t.spec.Target)
	if err != nil {
		closeFrom()
		return nil, nil, nil, err
	}
	return from, to, func() { closeFrom(); closeTo() }, nil
}

// either is a source and a target.
type either interface {
	replication.Source
	replication.Target
	replication.Origin
}

func (r *Replicator) side(t task, e *replication.Endpoint) (either, func(), error) {
	if e.IsLocal() {
		return r.local(t, e.Name), func() {}, nil
	}
	guard := remote.OpenGuard()
	if !t.isAdmins() {
		var err error
		if guard, err = remote.ParseGuard(r.Config.Get(config.ReplicatorAllow)); err != nil {
			return nil, nil, err
		}
		if own := r.own.Load(); own != nil {
			guard = guard.WithOwn(*own)
		}
	}
	peer, err := remote.New(e, remote.Options{
		Guard: guard, Timeout: t.spec.ConnectionTimeout, Connections: t.spec.Connections,
		Retries: t.spec.Retries, UseBulkGet: t.spec.UseBulkGet,
		TLS: remote.TLS{
			Verify: r.Config.Bool(config.ReplicatorVerifyTLS), CAFile: r.Config.Get(config.ReplicatorCAFile),
			CertFile: r.Config.Get(config.ReplicatorCertFile), KeyFile: r.Config.Get(config.ReplicatorKeyFile),
		},
	})
	if err != nil {
		return nil, nil, err
	}
	return peer, peer.Close, nil
}

func (r *Replicator) local(t task, name string) *replication.Local {
	return replication.NewLocal(replication.LocalOptions{
		Name:    name,
		Find:    func(ctx context.Context) (replication.Database, error) { return r.Find(ctx, name, t.user) },
		Matcher: r.matcher,
		Limits:  r.Config.Limits,
		MakeNew: func(ctx context.Context, params map[string]string) error {
			if !t.isAdmins() {
				return &couch.Error{Kind: couch.Unauthorized, Reason: "You are not a server admin."}
			}
			_, err := r.Store.CreateDatabase(ctx, name, storage.CreateOptions{Partitioned: params["partitioned"] == "true"})
			return err
		},
	})
}

// id returns the replication's id. Where a filter function is part of it the source
// is read.
func (r *Replicator) id(ctx context.Context, t task) (string, error) {
	var source replication.Source
	if f := t.spec.Filter.Function; f != "" && f[0] != '_' {
		from, done, err := r.side(t, &t.spec.Source)
		if err != nil {
			return "", err
		}
		defer done()
		if _, err := from.Open(ctx); err != nil {
			return "", err
		}
		source = from
	}
	return t.spec.ID(ctx, r.Store.UUID(), source)
}

// run is one run of a job, on behalf of a user.
type run struct {
	*replication.Replication
	user couch.UserCtx
	done func()
}

// Run replicates. See [replication.Replication.Run].
func (r *run) Run(ctx context.Context) (*replication.Result, error) {
	defer r.done()
	return r.Replication.Run(couch.WithUser(ctx, r.user))
}

// job makes the job of a replication whose id is known.
func (r *Replicator) job(t task, id string) *scheduler.Job {
	return &scheduler.Job{
		ID: t.spec.JobID(id), Spec: t.spec, User: t.user.Name,
		Make: func() (scheduler.Run, error) {
			source, target, done, err := r.sides(t)
			if err != nil {
				return nil, err
			}
			origin, err := t.origin()
			if err != nil {
				done()
				return nil, err
			}
			made := replication.New(t.spec, replication.Options{ID: id, Source: source, Target: target, Logger: r.Logger, Origin: origin})
			return &run{made, t.user, done}, nil
		},
	}
}
