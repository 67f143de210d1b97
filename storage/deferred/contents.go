package deferred

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"settle/attachments"
	"settle/storage/couch"
	"settle/storage/crypt"
	"settle/storage/kv"
	"settle/storage/schema"
)

// Origin fetches contents. origin is what PutOrigin has stored. Errors: Away, where
// another try may succeed, and Gone.
type Origin interface {
	Fetch(ctx context.Context, origin []byte, d couch.Deferral) (couch.Incoming, error)
}

// Options says what Contents stand on. All are required.
type Options struct {
	Now func() time.Time
	// Room returns r, which ends with an error before what it gives would fill the
	// disk, and what is called when that is written.
	Room func(r io.Reader) (guarded io.Reader, written func())
}

// DB is a database that has deferred contents.
type DB struct {
	Partition kv.Partition
	Key       *crypt.DatabaseKey
	Blobs     *attachments.Blobs // what is written with them is not found as an equal content
	// View and Update are those of edits.Options. RemoveFiles is, too.
	View        func(context.Context, func(kv.Reader, *schema.Meta) error) error
	Update      func(context.Context, func(kv.Tx, *schema.Meta) error, ...kv.UpdateOption) error
	RemoveFiles func([]couch.BlobID)
}

// Contents are the deferred contents of a store. It is safe for concurrent use.
type Contents struct {
	o      Options
	name   [16]byte // random, told to nobody
	origin atomic.Pointer[Origin]
	limits atomic.Pointer[Limits]
	room   room

	ctx     context.Context // of fetches, which go on when those who asked are gone
	stop    context.CancelFunc
	working sync.WaitGroup

	mu      sync.Mutex
	fetches map[place]*fetch // that are under way
}

// place names a content in the store.
type place struct {
	partition kv.Partition
	blob      couch.BlobID
}

// New returns Contents that know no origin and keep what they fetch.
func New(o Options) *Contents {
	c := &Contents{o: o, fetches: make(map[place]*fetch)}
	rand.Read(c.name[:])
	c.SetLimits(Limits{})
	c.ctx, c.stop = context.WithCancel(context.Background())
	return c
}

// Close ends what is being fetched, and waits for that. What was not fetched whole is
// not kept.
func (c *Contents) Close() {
	c.mu.Lock() // no fetch begins behind this
	c.stop()
	c.mu.Unlock()
	c.working.Wait()
}

// SetOrigin says who fetches. Before, every content is Away.
func (c *Contents) SetOrigin(o Origin) { c.origin.Store(&o) }

// Limits bound what is fetched. The zero value is ready.
type Limits struct {
	// Kept is how many bytes of fetched contents a database keeps; 0: all, but for its
	// quota. It counts with the next content that is kept.
	Kept int64
	// Fetching is how many bytes of contents are fetched at once, or are here for
	// those who read them though they are not kept; a greater one is fetched alone.
	// 0: 256 MiB.
	Fetching int64
	// Patience is how long an origin may be silent, or nearly so, and, while others wait
	// for the room, who reads what is not kept. 0: 30 s.
	Patience time.Duration
}

// SetLimits says what the limits are from now on.
func (c *Contents) SetLimits(l Limits) {
	l.Fetching = cmp.Or(l.Fetching, 256<<20)
	l.Patience = cmp.Or(l.Patience, 30*time.Second)
	c.limits.Store(&l)
	c.room.bound(l.Fetching)
}

func (c *Contents) patience() time.Duration { return c.limits.Load().Patience }

// Open reads length bytes of a deferred content from offset on; a negative length means
// all that follow. What is not kept is fetched, and comes as it arrives, but for its end,
// which comes when the whole content has proved to be the promised one: who reads to the
// end has read the right bytes. The caller closes the result.
// Errors, also of the reads: Away, Gone, RangeNotSatisfiable, those of the store.
func (c *Contents) Open(ctx context.Context, db *DB, blob *attachments.Blob, offset, length int64) (io.ReadCloser, error) {
	if length < 0 {
		length = blob.Length() - offset
	}
	if offset < 0 || length < 0 || offset > blob.Length() || length > blob.Length()-offset {
		return nil, &couch.Error{Kind: couch.RangeNotSatisfiable}
	}
	r, err := c.openKept(ctx, db, blob, offset, length)
	if r != nil || err != nil {
		return r, err
	}
	f, err := c.join(ctx, db, blob)
	if err != nil {
		return nil, err
	}
	return f.follow(ctx, offset, length), nil
}

// Digest returns the MD5 of a deferred content, which is fetched for that. Behind it the
// content can be had. Errors are those of Open.
func (c *Contents) Digest(ctx context.Context, db *DB, blob *attachments.Blob) (couch.Digest, error) {
	_, held, err := c.held(ctx, db, blob.ID())
	if err != nil {
		return couch.Digest{}, err
	}
	if held != nil {
		return held.Digest(), nil
	}
	f, err := c.join(ctx, db, blob)
	if err != nil {
		return couch.Digest{}, err
	}
	r := f.follow(ctx, 0, 0)
	defer r.Close()
	if err := r.wait(); err != nil {
		return couch.Digest{}, err
	}
	return f.content.Digest(), nil
}

// held returns what is kept of a content, nil where nothing is.
func (c *Contents) held(ctx context.Context, db *DB, id couch.BlobID) (kept schema.Kept, held *attachments.Blob, err error) {
	err = db.View(ctx, func(r kv.Reader, _ *schema.Meta) error {
		row, err := kv.GetOne(ctx, r, schema.KeptKey(id))
		if err != nil || row == nil {
			return err
		}
		if kept, err = schema.DecodeKept(row); err != nil {
			return err
		}
		held, err = db.Blobs.Load(ctx, r, kept.Blob)
		return err
	})
	return kept, held, err
}

// openKept opens what is kept of a content, nil where nothing is.
func (c *Contents) openKept(ctx context.Context, db *DB, blob *attachments.Blob, offset, length int64) (io.ReadCloser, error) {
	for {
		kept, held, err := c.held(ctx, db, blob.ID())
		if err != nil || held == nil {
			return nil, err
		}
		r, err := held.Reader(offset, length)
		if errors.Is(err, attachments.ErrFileMissing) && c.isDropped(ctx, db, blob, kept) {
			continue // it has been dropped in between
		}
		if err != nil {
			return nil, err
		}
		c.touch(ctx, db, blob, kept)
		return r, nil
	}
}

func (c *Contents) isDropped(ctx context.Context, db *DB, blob *attachments.Blob, kept schema.Kept) bool {
	now, _, err := c.held(ctx, db, blob.ID())
	return err == nil && now.Blob != kept.Blob
}
