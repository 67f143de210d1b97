package peruser

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"settle/server/config"
	"settle/server/users"
	"settle/storage"
	"settle/storage/couch"
)

// Options is what a Follower needs. All are required.
type Options struct {
	Store  *storage.Store
	Config *config.Config
	Logger *slog.Logger
}

// How long the Follower waits after an error; each time twice as long.
const (
	firstPause = time.Second
	lastPause  = time.Minute
)

// Follower follows the accounts while the configuration wants it to.
type Follower struct {
	Options
	stop context.CancelFunc
	done chan struct{} // closed when it has ended
}

// Start begins to follow. Close must be called before the store is closed.
func Start(o Options) *Follower {
	ctx, stop := context.WithCancel(context.Background())
	f := &Follower{Options: o, stop: stop, done: make(chan struct{})}
	go func() {
		defer close(f.done)
		f.run(ctx)
	}()
	return f
}

// Close ends the following, and waits for the step that it is at.
func (f *Follower) Close() {
	f.stop()
	<-f.done
}

// run does what there is to do, and waits until there may be more.
func (f *Follower) run(ctx context.Context) {
	pause := firstPause
	for ctx.Err() == nil {
		changed := f.Config.Changed()
		more, err := f.pass(ctx)
		var retry <-chan time.Time
		if err == nil {
			pause = firstPause
		} else if ctx.Err() == nil {
			if !errors.Is(err, couch.ErrUnavailable) { // who ended the store tells of it
				f.Logger.Warn("the databases of users could not be brought up to date; it is tried again", "error", err)
			}
			more, retry = nil, time.After(pause)
			pause = min(2*pause, lastPause)
		}
		select {
		case <-ctx.Done():
		case <-changed:
		case <-more:
		case <-retry:
		}
	}
}

// atOnce tells that there may be more already.
var atOnce = func() <-chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

// pass handles the changes that there are. The channel is closed when there may
// be more; nil: when the configuration changes.
func (f *Follower) pass(ctx context.Context) (more <-chan struct{}, err error) {
	s := readSettings(f.Config)
	if !s.enabled {
		return nil, f.forgetPosition(ctx)
	}
	more = f.Store.DatabasesChanged()
	db, err := f.Store.Database(ctx, users.DatabaseName)
	if errors.Is(err, couch.ErrDatabaseMissing) {
		return more, nil
	}
	if err != nil {
		return nil, err
	}
	more = db.Wait()
	since, err := f.position(ctx, db, s)
	for err == nil && s.version == f.Config.Version() {
		last := since
		since, err = f.portion(ctx, db, s, since)
		if since == last {
			break
		}
		err = errors.Join(err, f.keepPosition(ctx, db, s, since))
	}
	if errors.Is(err, couch.ErrDatabaseMissing) { // it was dropped just now
		return atOnce, nil
	}
	return more, err
}

// portionSize is how many changes are handled before the position is kept.
const portionSize = 100

// portion handles the next changes behind since, and returns how far it came.
func (f *Follower) portion(ctx context.Context, db *storage.Database, s settings, since couch.Seq) (couch.Seq, error) {
	for change, err := range db.Changes(ctx, couch.ChangesOptions{Since: since, Limit: portionSize}) {
		if s.version != f.Config.Version() {
			break // by what counted before nothing is done that came since
		}
		if err == nil {
			err = f.handle(ctx, s, change)
		}
		if err != nil {
			return since, err
		}
		since = change.Seq
	}
	return since, nil
}

// handle brings the database of one user up to date. What cannot be done for that
// user, and never will, is logged, so that others do not wait for it.
func (f *Follower) handle(ctx context.Context, s settings, change couch.Change) error {
	user, ok := users.NameOf(change.ID)
	if !ok || user == "" {
		return nil
	}
	var err error
	switch name := s.databaseName(user); {
	case !change.Deleted:
		err = f.provide(ctx, name, user)
	case s.deleteDBs:
		err = unlessMissing(f.Store.DropDatabase(ctx, name))
	default:
		err = f.release(ctx, name, user)
	}
	if errors.Is(err, &couch.Error{Kind: couch.IllegalDatabaseName}) || errors.Is(err, couch.ErrCorrupt) {
		f.Logger.Error("the database of a user is left as it is", "seq", change.Seq, "kind", kindName(err))
		return nil
	}
	return err
}

// kindName says why without the user's name, which an error may hold.
func kindName(err error) string {
	if errors.Is(err, couch.ErrCorrupt) {
		return "damaged"
	}
	return "the user's name is too long for one of a database"
}

func unlessMissing(err error) error {
	if errors.Is(err, couch.ErrDatabaseMissing) {
		return nil
	}
	return err
}
