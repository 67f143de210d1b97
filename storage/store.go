package storage

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"settle/attachments"
	"settle/storage/background"
	"settle/storage/couch"
	"settle/storage/crypt"
	"settle/storage/deferred"
	"settle/storage/directory"
	"settle/storage/edits"
	"settle/storage/kv"
	"settle/storage/schema"
	"settle/storage/spool"
)

// Options says what a store stands on. All but Logger, Compact, Now and
// Validator must be set.
type Options struct {
	KV      kv.Store       // the engine; the store does not close it
	Keyring *crypt.Keyring // opens the databases' keys
	BlobFS  vfs.FS         // holds the large blobs, which seal themselves
	BlobDir string         // a directory of BlobFS
	Logger  *slog.Logger   // nil: no messages
	Compact AutoCompaction
	Now     func() time.Time // nil: time.Now
	// Validator judges what is written. Nil: nothing is judged.
	Validator Validator
}

// Store is a set of databases. It is safe for concurrent use.
type Store struct {
	kv      kv.Store
	blobs   *attachments.Store
	log     *slog.Logger
	uuid    string
	batches spool.Limit

	open      handles
	directory *directory.Directory
	tasks     background.Tasks
	auto      AutoCompaction
	keep      atomic.Int64 // nanoseconds, see SetKeepAncestors
	listeners background.Listeners[func(EventType, string)]
	now       func() time.Time
	judge     Validator // nil: nothing is judged
	rules     edits.RulesCache
	deferred  *deferred.Contents
	queue     *background.Queue // of automatic compactions

	// background counts the work that goes on after a call has returned, and
	// ends with stop.
	background sync.WaitGroup
	upkeep     sync.WaitGroup // of what goes on until stop
	stopping   context.Context
	stop       context.CancelFunc
}

// Open returns the store on an engine, an empty one where the engine is empty.
// Before it returns it has removed what a crash has left of databases half made
// or half dropped; blob files that nothing refers to are swept in the background.
func Open(ctx context.Context, o Options) (*Store, error) {
	s := &Store{
		kv:        o.KV,
		directory: directory.New(o.KV, o.Keyring),
		blobs:     attachments.New(attachments.Options{FS: o.BlobFS, Root: o.BlobDir}),
		log:       o.Logger,
		batches:   batchLimit,
		auto:      o.Compact.WithDefaults(),
		now:       o.Now,
		judge:     o.Validator,
	}
	s.queue = background.NewQueue(s.auto.Rest)
	s.deferred = deferred.New(deferred.Options{
		Now:  func() time.Time { return s.now() },
		Room: func(r io.Reader) (io.Reader, func()) { return kv.Guarded(s.kv, r) },
	})
	s.SetKeepAncestors(DefaultKeepAncestors)
	if s.now == nil {
		s.now = time.Now
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.stopping, s.stop = context.WithCancel(context.Background())
	if err := s.loadUUID(ctx); err != nil {
		return nil, err
	}
	if err := s.finishUnready(ctx); err != nil {
		return nil, err
	}
	s.upkeep.Go(s.keepReceiptsShort)
	s.background.Go(func() {
		s.warn(s.stopping, "the sweep of unused blobs ended early", s.Sweep(s.stopping))
	})
	return s, nil
}

// Close ends the store's background work and waits for it.
func (s *Store) Close() error {
	s.stop()
	s.deferred.Close()
	s.queue.Close()
	s.background.Wait()
	s.upkeep.Wait()
	return nil
}

// warn logs that work in the background has failed, if it has, unless the store or its
// engine has ended: who ended it tells of that.
func (s *Store) warn(ctx context.Context, message string, err error) {
	if err != nil && ctx.Err() == nil && !errors.Is(schema.DomainError(err), couch.ErrUnavailable) {
		s.log.Warn(message, "error", err)
	}
}

// Deferred are the contents of the store that are fetched when they are wanted.
func (s *Store) Deferred() *deferred.Contents { return s.deferred }

// UUID identifies the server to its peers: 32 hexadecimal digits that stay the
// same for as long as the store exists.
func (s *Store) UUID() string { return s.uuid }

// view returns a View of a partition for kv.Pages, with the domain's errors.
func (s *Store) view(p kv.Partition) func(context.Context, func(kv.Reader) error) error {
	return func(ctx context.Context, fn func(kv.Reader) error) error {
		return schema.DomainError(s.kv.View(ctx, p, fn))
	}
}

const uuidSetting = "uuid"

func (s *Store) loadUUID(ctx context.Context) error {
	stored, err := s.Setting(ctx, uuidSetting)
	if err != nil {
		return err
	}
	if stored == nil {
		var raw [16]byte
		rand.Read(raw[:])
		stored = []byte(hex.EncodeToString(raw[:]))
		if err := s.SetSetting(ctx, uuidSetting, stored); err != nil {
			return err
		}
	}
	s.uuid = string(stored)
	return nil
}
