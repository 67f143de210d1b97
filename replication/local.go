package replication

import (
	"context"
	"errors"
	"io"
	"iter"
	"strconv"

	"settle/attachments"
	"settle/storage/couch"
)

// Database is what a Local needs of a database. The storage package's Database is one,
// and so is what the server makes of it for a user; its comments say what the methods
// promise.
type Database interface {
	Name() string
	Info(ctx context.Context) (couch.DatabaseInfo, error)
	Changes(ctx context.Context, o couch.ChangesOptions) iter.Seq2[couch.Change, error]
	PendingChanges(ctx context.Context, since couch.Seq) (int64, error)
	UpdateSeq(ctx context.Context) (couch.Seq, error)
	Wait() <-chan struct{}
	FormatSeq(n couch.Seq) string
	ParseSeq(s string, last couch.Seq) (couch.Seq, error)
	Get(ctx context.Context, id couch.DocID, o couch.GetOptions) (*couch.Document, error)
	OpenRevs(ctx context.Context, id couch.DocID, o couch.OpenRevsOptions, g couch.GetOptions) ([]couch.OpenRev, error)
	RevsDiff(ctx context.Context, asks []couch.RevsAsk) ([]couch.RevsDiff, error)
	PutRevs(ctx context.Context, docs iter.Seq2[*couch.Document, error]) ([]couch.WriteResult, error)
	GetLocal(ctx context.Context, id couch.DocID) (*couch.LocalDocument, error)
	PutLocal(ctx context.Context, doc *couch.LocalDocument) (uint64, error)
	ReadBlob(ctx context.Context, a couch.Attachment, offset, length int64) (io.ReadCloser, error)
	WriteBlob(ctx context.Context, r io.Reader, max int64) (*attachments.Pending, error)
	PutOrigin(ctx context.Context, id couch.OriginID, text []byte) (row []byte, err error)
	Ready(ctx context.Context, atts []couch.Attachment) error
}

// Matcher says of each document whether a filter lets it pass.
type Matcher func(ctx context.Context, docs []*couch.Document) ([]bool, error)

// LocalOptions is what a Local stands on. Find is required; a target needs MakeNew
// where it may be created.
type LocalOptions struct {
	Name string
	// Find looks the database up, as the user may see it. Errors: DatabaseMissing,
	// Unauthorized, Forbidden.
	Find func(ctx context.Context) (Database, error)
	// MakeNew makes the database, as the user may. Errors: DatabaseExists, and others.
	MakeNew func(ctx context.Context, params map[string]string) error
	// Matcher makes a filter by what documents say: a selector or a function.
	Matcher func(ctx context.Context, db Database, f Filter) (Matcher, error)
	// Limits bounds what is written.
	Limits func() couch.Limits
}

// Local is a database of this process. It is a Source and a Target.
type Local struct {
	o  LocalOptions
	db Database // set by Open
	// origin is where contents stay that come neither as stubs nor otherwise, and its row;
	// nil: they all come. Set by Defer.
	origin    *couch.OriginID
	originRow []byte
}

var (
	_ Source = (*Local)(nil)
	_ Target = (*Local)(nil)

	_ Deferrer = (*Local)(nil)
	_ Origin   = (*Local)(nil)
)

// NewLocal returns the database, which is looked up by Open.
func NewLocal(o LocalOptions) *Local {
	if o.Limits == nil {
		o.Limits = func() couch.Limits { return couch.Limits{} }
	}
	return &Local{o: o}
}

// Open looks the database up. See [Side].
func (l *Local) Open(ctx context.Context) (Info, error) {
	db, err := l.o.Find(ctx)
	if err != nil {
		return Info{}, l.refused(err)
	}
	l.db = db
	return l.Commit(ctx)
}

// Commit tells what the database is, as the user may still see it: what it has
// acknowledged is on disk always. See [Side].
func (l *Local) Commit(ctx context.Context) (Info, error) {
	db, err := l.o.Find(ctx)
	if err != nil {
		return Info{}, l.refused(err)
	}
	info, err := db.Info(ctx)
	if err != nil {
		return Info{}, l.refused(err)
	}
	return Info{InstanceStart: strconv.FormatInt(info.InstanceStart, 10)}, nil
}

// refused gives an error of the database the kind that a replication ends with.
func (l *Local) refused(err error) error {
	name := l.shownName()
	for kind, as := range map[couch.Kind]Kind{
		couch.DatabaseMissing: Missing, couch.IllegalDatabaseName: Missing, couch.Unauthorized: Unauthorized, couch.Forbidden: Forbidden,
	} {
		if errors.Is(err, &couch.Error{Kind: kind}) {
			reason := map[Kind]string{Missing: "could not open " + name, Forbidden: name}[as]
			if reason == "" {
				reason = "unauthorized to access or create database " + name
			}
			return &Error{Kind: as, Reason: reason}
		}
	}
	return l.full(err)
}

// full gives an error that the database, or the disk, has no room the kind Full.
func (l *Local) full(err error) error {
	for _, said := range []*couch.Error{couch.ErrOverQuota, couch.ErrNoSpace} {
		if errors.Is(err, said) {
			return Errorf(Full, "no room in %s: %s", l.shownName(), said.Reason)
		}
	}
	return err
}

func (l *Local) shownName() string {
	if couch.ValidateDatabaseName(l.o.Name) != nil {
		return "a database of that name" // it may be a URL gone wrong, with a password
	}
	return l.o.Name
}

// Create makes the database, unless it is there. See [Target].
func (l *Local) Create(ctx context.Context, params map[string]string) error {
	if l.o.MakeNew == nil {
		return Errorf(Forbidden, "%s", l.o.Name)
	}
	err := l.o.MakeNew(ctx, params)
	if errors.Is(err, couch.ErrDatabaseExists) {
		return nil
	}
	return l.refused(err)
}

// Checkpoint reads a checkpoint. See [Side].
func (l *Local) Checkpoint(ctx context.Context, id string) (*Checkpoint, error) {
	doc, err := l.db.GetLocal(ctx, couch.DocID(couch.LocalPrefix+id))
	if errors.Is(err, couch.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	c := ParseCheckpoint(doc.Body.Text)
	c.Rev = "0-" + strconv.FormatUint(doc.Rev, 10)
	return c, nil
}

// PutCheckpoint stores a checkpoint. See [Side].
func (l *Local) PutCheckpoint(ctx context.Context, id string, c *Checkpoint) error {
	text, err := c.Body()
	if err != nil {
		return err
	}
	doc := &couch.LocalDocument{ID: couch.DocID(couch.LocalPrefix + id), Body: couch.Body{Text: text}}
	if parent, err := couch.ParseRev("0-0"); c.Rev != "" && err == nil {
		if parent, err = couch.ParseRev(c.Rev); err == nil {
			doc.Rev, _ = strconv.ParseUint(parent.Hash, 10, 64)
		}
	}
	rev, err := l.db.PutLocal(ctx, doc)
	c.Rev = "0-" + strconv.FormatUint(rev, 10)
	return l.full(err)
}

// RevsDiff returns which of the revisions are missing. See [Target].
func (l *Local) RevsDiff(ctx context.Context, asks []couch.RevsAsk) ([]couch.RevsDiff, error) {
	return l.db.RevsDiff(ctx, asks)
}

// Pending returns how many changes lie behind a sequence. See [Source].
func (l *Local) Pending(ctx context.Context, since string) (int64, error) {
	n, err := l.since(ctx, since)
	if err != nil {
		return -1, err
	}
	return l.db.PendingChanges(ctx, n)
}

// FilterCode returns the source text of a filter function. See [Source].
func (l *Local) FilterCode(ctx context.Context, design, filter string) (string, error) {
	doc, err := l.db.Get(ctx, couch.DocID(couch.DesignPrefix+design), couch.GetOptions{})
	if err != nil {
		return "", err
	}
	return FilterSource(doc.Body.Text, filter)
}
