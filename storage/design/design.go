// Package design runs the functions of design documents: map, reduce, filter,
// validate, update, show, list and rewrite functions, in JavaScript, as CouchDB's
// query server does (share/server of CouchDB 3.5 is the model of what they see,
// of the helpers they are offered and of their errors).
//
// # Isolation
//
// A design document, the map functions of one run over an index, and a reduce
// function each run in runtimes of their own, which have no way out but their results
// and the log. Runtimes are kept and used again for the same functions of the same
// database, so what a function leaves in its globals it may find again, or not; no
// other design document sees it, and no other database that has the same one.
//
// # Scopes
//
// Functions belong to a scope, the incarnation of the database that they are of. What
// is limited, or refused because it hangs, is so for a scope: one database's functions
// do not keep another's waiting.
//
// # Limits
//
// Every call is under the limits of [Options]. A function that runs into one costs
// its caller an error and the engine one runtime, which is thrown away. Some
// built-in functions of the engine cannot be interrupted; where one outlives its
// time the call returns all the same, and its design document's functions are
// refused until it has ended.
package design

import (
	"container/list"
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// Options are the limits of an Engine. The zero value of a field stands for its
// default.
type Options struct {
	// Memory is what one runtime may hold, in bytes, the documents that it is
	// given included. Default 64 MiB, as CouchDB's.
	Memory uint64
	// Time is how long a function may take for one document, one reduction or
	// one row of a list. Default 5 s, as CouchDB's os_process_timeout.
	Time time.Duration
	// Grace is how long a call may go on after it was told to stop, before it is
	// given up. Default 2 s.
	Grace time.Duration
	// Output is how much text the functions of a Mapper may emit for one document, in
	// UTF-16 units; one for which they emit more has no rows. Default 16 Mi.
	Output int
	// Runtimes is how many calls run at a time; more wait. Default 8 for each
	// processor. The functions of one scope take a quarter of them at most, and
	// never fewer than there are processors.
	Runtimes int
	// Lists is how many list functions run at a time, beside Runtimes: they wait
	// for clients. One scope has a quarter of them at most. Default 64.
	Lists int
	// Idle is how many runtimes are kept for later calls. Default 4 for each
	// processor.
	Idle int
	// Log takes what functions log and what is said of their errors. It may be
	// called from several goroutines at once. Default: dropped.
	Log func(ctx context.Context, message string)
}

func (o Options) withDefaults() Options {
	cores := runtime.GOMAXPROCS(0)
	setDefault(&o.Memory, 64<<20)
	setDefault(&o.Time, 5*time.Second)
	setDefault(&o.Grace, 2*time.Second)
	setDefault(&o.Output, 16<<20)
	setDefault(&o.Runtimes, 8*cores)
	setDefault(&o.Lists, 64)
	setDefault(&o.Idle, 4*cores)
	if o.Log == nil {
		o.Log = func(context.Context, string) {}
	}
	return o
}

func setDefault[T int | uint64 | time.Duration](field *T, value T) {
	if *field <= 0 {
		*field = value
	}
}

// Engine runs functions. Its methods, and those of what it opens, may be called
// from several goroutines at once.
type Engine struct {
	options Options
	calls   *gate
	lists   *gate
	runs    atomic.Uint64 // of mappers

	mu     sync.Mutex
	closed bool
	idle   map[key]*list.List // of *machine, the last used in front
	order  *list.List         // of *machine, all that are idle, the last used in front
}

// New returns an engine. It holds nothing until functions run.
func New(options Options) *Engine {
	options = options.withDefaults()
	return &Engine{
		options: options,
		calls:   newGate(options.Runtimes, max(options.Runtimes/4, runtime.GOMAXPROCS(0))),
		lists:   newGate(options.Lists, max(options.Lists/4, 1)),
		idle:    map[key]*list.List{},
		order:   list.New(),
	}
}

// Close frees the runtimes that are kept. Calls that run end as they would, and
// later ones still work, but keep no runtime.
func (e *Engine) Close() error {
	e.mu.Lock()
	e.closed = true
	var all []*machine
	for e.order.Len() > 0 {
		all = append(all, e.evict())
	}
	e.mu.Unlock()
	for _, m := range all {
		m.close()
	}
	return nil
}
