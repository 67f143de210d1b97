package replicator

import (
	"context"
	"encoding/json"
	"errors"
	"sync"

	"settle/replication"
	"settle/storage/couch"
)

// originText is how an origin is reached, as the target of a replication keeps it.
type originText struct {
	Spec json.RawMessage `json:"spec"` // see replication.Spec.OriginSpec
	User userCtx         `json:"user"` // whose rights its replication has
}

// origin describes the source of a task to Fetch; nil where it is not asked for.
func (t task) origin() (*replication.OriginText, error) {
	if !t.spec.Deferred {
		return nil, nil
	}
	text, err := json.Marshal(originText{t.spec.OriginSpec(), userCtx{t.user.Name, t.user.Roles}})
	return &replication.OriginText{ID: t.spec.OriginID(t.user.Name), Text: text}, err
}

// Fetch fetches a content from an origin, with the rights that the replication had. See
// [deferred.Origin].
func (r *Replicator) Fetch(ctx context.Context, origin []byte, d couch.Deferral) (couch.Incoming, error) {
	side, err := r.origins.get(r, origin)
	if err != nil {
		return couch.Incoming{}, &couch.Error{Kind: couch.Away, Err: err}
	}
	in, err := side.Attachment(ctx, d)
	if err != nil && ctx.Err() == nil && errors.Is(err, &couch.Error{Kind: couch.Away}) {
		r.Logger.Warn("a deferred attachment could not be fetched", "error", err)
	}
	return in, err
}

// maxOrigins is how many origins stay connected.
const maxOrigins = 32

// origins are the origins that were asked of late, whose connections are used again. The
// zero value is ready. It is safe for concurrent use.
type origins struct {
	mu      sync.Mutex
	known   map[string]knownOrigin // by what describes them
	changed <-chan struct{}        // closed when the configuration is another than they were made by
}

type knownOrigin struct {
	side replication.Origin
	done func()
}

// get returns the origin that a text describes.
func (o *origins) get(r *Replicator, text []byte) (replication.Origin, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	select {
	case <-o.changed:
		o.forgetAll()
		o.changed = nil
	default:
	}
	if o.changed == nil {
		o.changed = r.Config.Changed()
	}
	if known, ok := o.known[string(text)]; ok {
		return known.side, nil
	}
	var said originText
	if err := json.Unmarshal(text, &said); err != nil {
		return nil, err
	}
	spec, err := replication.ParseSpec(said.Spec, r.tuning())
	if err != nil {
		return nil, err
	}
	side, done, err := r.side(task{spec: spec, user: said.User.user()}, &spec.Source)
	if err != nil {
		return nil, err
	}
	for key, other := range o.known {
		if len(o.known) < maxOrigins {
			break
		}
		other.done()
		delete(o.known, key)
	}
	if o.known == nil {
		o.known = make(map[string]knownOrigin)
	}
	o.known[string(text)] = knownOrigin{side, done}
	return side, nil
}

// forget ends the connections that nobody uses.
func (o *origins) forget() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.forgetAll()
}

func (o *origins) forgetAll() {
	for key, known := range o.known {
		known.done()
		delete(o.known, key)
	}
}
