package view

import (
	"context"
	"iter"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"settle/storage"
	"settle/storage/background"
	"settle/storage/couch"
	"settle/storage/kv"
)

// Database is the database that an index is of, whole: what its users may not read is
// in its indexes too, and who may query them is for the caller to say.
type Database interface {
	Name() string
	Incarnation() couch.Incarnation
	Partitioned() bool
	Info(ctx context.Context) (couch.DatabaseInfo, error)
	Changes(ctx context.Context, o couch.ChangesOptions) iter.Seq2[couch.Change, error]
	PendingChanges(ctx context.Context, since couch.Seq) (int64, error)
	PurgedInfos(ctx context.Context) iter.Seq2[couch.Purged, error]
	AllDocs(ctx context.Context, o couch.AllDocsOptions) iter.Seq2[couch.AllDocsRow, error]

	OpenIndex(ctx context.Context, name string) (kv.Partition, error)
	Indexes(ctx context.Context) iter.Seq2[string, error]
	DropIndex(ctx context.Context, name string) error
	IndexView(ctx context.Context, p kv.Partition, fn func(kv.Reader) error) error
	IndexUpdate(ctx context.Context, p kv.Partition, fn func(kv.Tx) error) error
}

var _ Database = (*storage.Database)(nil)

// Options says what indexes stand on. The zero value is ready: it has no functions
// but those of Mango, and logs nothing.
type Options struct {
	Functions Functions
	Logger    *slog.Logger
	// Rest is how long an index rests between two updates in the background. 0: 1 s.
	Rest time.Duration
}

// Indexes are the indexes of a store's databases. An index that nobody asks for costs
// nothing but its rows. It is safe for concurrent use.
type Indexes struct {
	functions Functions
	log       *slog.Logger
	tasks     background.Tasks
	queue     *background.Queue
	loading   atomic.Int64 // indexes
	ctx       context.Context
	stop      context.CancelFunc

	mu     sync.Mutex
	closed bool
	runs   sync.WaitGroup // of updates
	open   map[indexID]*Index
}

type indexID struct {
	incarnation couch.Incarnation
	signature   string
}

// New returns the indexes of a store. Close ends what they do.
func New(o Options) *Indexes {
	x := &Indexes{functions: o.Functions, log: o.Logger, open: make(map[indexID]*Index)}
	if x.functions == nil {
		x.functions = noFunctions{}
	}
	if x.log == nil {
		x.log = slog.New(slog.DiscardHandler)
	}
	if o.Rest == 0 {
		o.Rest = time.Second
	}
	x.queue = background.NewQueue(o.Rest)
	x.ctx, x.stop = context.WithCancel(context.Background())
	return x
}

// Close ends the updates that are under way, and waits for them: it comes before the
// store's own. Queries fail from then on.
func (x *Indexes) Close() error {
	x.mu.Lock()
	x.closed = true
	x.mu.Unlock()
	x.stop()
	x.queue.Close()
	x.runs.Wait()
	return nil
}

// Tasks returns the updates that are under way, in the order in which they began.
func (x *Indexes) Tasks() []couch.Task { return x.tasks.List() }

// maxOpen bounds how many indexes are remembered; one costs some kilobytes and what
// its functions need.
const maxOpen = 1024

// Open returns the index of a definition, which the caller leaves as it is. It reads
// and writes nothing. name is the design document's that asks for it, for Tasks.
// Errors are those of the functions.
func (x *Indexes) Open(db Database, d *Definition, name couch.DocID) (*Index, error) {
	id := indexID{db.Incarnation(), d.Signature()}
	x.mu.Lock()
	ix := x.open[id]
	x.mu.Unlock()
	if ix != nil {
		return ix, nil
	}
	ix, err := x.newIndex(db, d, name, id.signature)
	if err != nil {
		return nil, err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if other := x.open[id]; other != nil {
		return other, nil
	}
	for old := range x.open {
		if len(x.open) < maxOpen {
			break
		}
		delete(x.open, old)
	}
	x.open[id] = ix
	return ix, nil
}

// begin enters an update; ok is false after Close.
func (x *Indexes) begin() (ok bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if !x.closed {
		x.runs.Add(1)
	}
	return !x.closed
}

// indexPrefix begins the names that views' indexes have with their database.
const indexPrefix = "view/"
