package view

import (
	"context"
	"errors"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"settle/storage/background"
	"settle/storage/couch"
	"settle/storage/kv"
	"settle/storage/view/funcerr"
	"settle/storage/view/redtree"
	"settle/storage/view/reduction"
	"settle/storage/view/viewrow"
)

// Index is the index of a definition over a database. It is safe for concurrent use.
type Index struct {
	indexes    *Indexes
	db         Database
	definition *Definition
	name       couch.DocID // of the design document that asked first
	signature  string
	reducers   [][]reduction.Reducer // by view
	updates    *background.Shared
	waiting    atomic.Int64 // calls of Update

	mu      sync.Mutex
	failure funcerr.Failure
}

func (x *Indexes) newIndex(db Database, d *Definition, name couch.DocID, signature string) (*Index, error) {
	if err := d.validate(); err != nil {
		return nil, err
	}
	ix := &Index{indexes: x, db: db, definition: d, name: name, signature: signature}
	ix.updates = background.NewShared(ix.run)
	mapper, err := ix.newMapper()
	if err == nil {
		mapper.Close()
	}
	for _, v := range d.Views {
		var r []reduction.Reducer
		if err == nil {
			r, err = reducers(x.functions, db.Incarnation(), signature, v)
		}
		ix.reducers = append(ix.reducers, r)
	}
	return ix, err
}

// newMapper returns the map functions for one update, which closes them.
func (ix *Index) newMapper() (Mapper, error) {
	if ix.definition.Language == Mango {
		return newFieldMapper(ix.definition)
	}
	return ix.indexes.functions.Mapper(ix.db.Incarnation(), ix.definition)
}

// Signature names the index's definition.
func (ix *Index) Signature() string { return ix.signature }

// partition returns where the index lies, in a new partition after it was dropped.
func (ix *Index) partition(ctx context.Context) (kv.Partition, error) {
	return ix.db.OpenIndex(ctx, indexPrefix+ix.signature)
}

// errDropped: the index was dropped while an operation went on.
var errDropped = errors.New("view: the index was dropped meanwhile")

// indexView is the database's IndexView; it fails with an Unavailable that wraps
// errDropped.
func (ix *Index) indexView(ctx context.Context, p kv.Partition, fn func(kv.Reader) error) error {
	return dropped(ix.db.IndexView(ctx, p, fn))
}

func dropped(err error) error {
	if errors.Is(err, couch.ErrNotFound) {
		return &couch.Error{Kind: couch.Unavailable, Reason: "The index was dropped meanwhile.", Err: errDropped}
	}
	return err
}

// keys says how the keys of a view's rows are made.
func (ix *Index) keys(view int) viewrow.Space {
	return viewrow.Space{Raw: ix.definition.Views[view].Raw, Partitioned: ix.definition.Partitioned}
}

func (ix *Index) tree(h *head, view int) *redtree.Tree {
	return &redtree.Tree{Prefix: viewPrefix(view), Seed: h.Seed, Reducers: ix.reducers[view], Row: reductionRow}
}

// reductionRow reads a row for a reduction.
func reductionRow(key, value []byte) (reduction.Row, error) {
	row, err := viewrow.Decode(key, value)
	return reduction.Row{Key: row.Key, Value: row.Value, ID: row.ID}, err
}

// errChanged: the index is no longer in the state that an operation began with.
var errChanged = errors.New("view: the index has changed meanwhile")

// viewAt returns a View of the index in the state of a head; it fails with errChanged
// in another.
func (ix *Index) viewAt(p kv.Partition, h *head) redtree.View {
	return func(ctx context.Context, fn func(kv.Reader) error) error {
		return ix.indexView(ctx, p, func(r kv.Reader) error {
			now, err := readHead(ctx, r, len(h.Views))
			if err != nil {
				return err
			}
			if now.Generation != h.Generation || now.Seed != h.Seed {
				return errChanged
			}
			return fn(r)
		})
	}
}

// readHead reads the index's head.
func (ix *Index) readHead(ctx context.Context, p kv.Partition) (h *head, err error) {
	err = ix.indexView(ctx, p, func(r kv.Reader) error {
		h, err = readHead(ctx, r, len(ix.definition.Views))
		return err
	})
	return h, err
}

// Update brings the index up to date with every write that had returned before the
// call. Whoever calls it meanwhile shares one run, which the end of ctx leaves going.
// Errors: ctx's, the database's, a function's.
func (ix *Index) Update(ctx context.Context) error {
	ix.waiting.Add(1)
	defer ix.waiting.Add(-1)
	return ix.updates.Do(ctx)
}

// run updates the index for all who share that, and goes on when none of them waits.
func (ix *Index) run(context.Context) error {
	if !ix.indexes.begin() {
		return couch.ErrUnavailable
	}
	defer ix.indexes.runs.Done()
	return ix.update(ix.indexes.ctx)
}

// recover, deferred, makes an error of a panic, and logs it: whoever asks for the index
// is told, and all else goes on.
func (ix *Index) recover(err *error) {
	if p := recover(); p != nil {
		ix.indexes.log.Error("an update of an index has panicked", "panic", p, "stack", string(debug.Stack()))
		*err = couch.Errorf(couch.Internal, "The update of the index has failed.")
	}
}

// UpdateLater lets the index be brought up to date in the background, after others
// that wait.
func (ix *Index) UpdateLater(ctx context.Context) error {
	p, err := ix.partition(ctx)
	if err != nil {
		return err
	}
	ix.indexes.queue.Add(p, func(ctx context.Context) error {
		err := ix.updates.Do(ctx)
		if err != nil && ctx.Err() == nil && !errors.Is(err, couch.ErrDatabaseMissing) && !errors.Is(err, couch.ErrUnavailable) {
			ix.indexes.log.Warn("an update of an index ended early", "database", ix.db.Name(), "design", string(ix.name), "error", funcerr.Loggable(err))
		}
		return err
	})
	return nil
}

// update is one run. One that the database's state fails is not tried again before
// that has changed.
func (ix *Index) update(ctx context.Context) (err error) {
	defer ix.recover(&err)
	info, err := ix.db.Info(ctx)
	if err != nil {
		return err
	}
	ix.mu.Lock()
	last := ix.failure
	ix.mu.Unlock()
	if last.Holds(info) {
		return last.Err
	}
	for range maxRestarts {
		u := updater{ix: ix}
		if err = u.run(ctx); !errors.Is(err, errChanged) && !errors.Is(err, errDropped) {
			break
		}
	}
	if errors.Is(err, errChanged) {
		err = &couch.Error{Kind: couch.Unavailable, Reason: "The index is updated by others.", Err: err}
	}
	ix.mu.Lock()
	ix.failure = funcerr.FailureOf(info, err)
	ix.mu.Unlock()
	return err
}

// maxRestarts is how often an operation is begun again because the index has changed.
const maxRestarts = 5
