package remote

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"path"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-kivik/kivik/v4"
	"github.com/go-kivik/kivik/v4/couchdb"
	"github.com/go-kivik/kivik/v4/couchdb/chttp"

	"settle/replication"
	"settle/storage/couch"
)

// Options says how a Remote is reached. Guard is required.
type Options struct {
	Guard       *Guard
	TLS         TLS
	Timeout     time.Duration // for a peer to connect, and to begin to answer
	Connections int
	Retries     int // of one request
	UseBulkGet  bool
	MaxAnswer   int // bytes of an answer, or of a row of a feed, that are held in memory. 0: 64 MiB
}

// Remote is a database behind HTTP. It is a Source and a Target.
type Remote struct {
	endpoint *replication.Endpoint
	o        Options
	http     *http.Client
	kivik    *kivik.Client
	db       *kivik.DB
	name     string

	noBulkGet atomic.Bool // the peer has no _bulk_get
}

var (
	_ replication.Source = (*Remote)(nil)
	_ replication.Target = (*Remote)(nil)
)

// New returns the database of an endpoint. Nothing is sent yet. The error is
// Invalid. Close ends its connections.
func New(e *replication.Endpoint, o Options) (*Remote, error) {
	o.MaxAnswer = cmp.Or(o.MaxAnswer, 64<<20)
	client, err := newClient(e, o)
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(e.URL)
	if err != nil {
		return nil, replication.ErrBadURL
	}
	whole := strings.TrimSuffix(u.EscapedPath(), "/")
	name, err := url.PathUnescape(path.Base(whole))
	if err != nil || whole == "" {
		return nil, &replication.Error{Kind: replication.Missing, Reason: "could not open " + e.URL}
	}
	u.RawPath, u.Path = "", strings.TrimSuffix(path.Dir(whole), "/")
	k, err := kivik.New("couch", u.String(), couchdb.OptionHTTPClient(bounding(client, o.MaxAnswer)), couchdb.OptionNoRequestCompression())
	if err != nil {
		return nil, replication.ErrBadURL
	}
	return &Remote{endpoint: e, o: o, http: client, kivik: k, db: k.DB(name), name: name}, nil
}

// Close ends the connections.
func (r *Remote) Close() { r.http.CloseIdleConnections() }

// String returns the database's URL, without credentials.
func (r *Remote) String() string { return r.endpoint.URL }

// again calls fn, and again after a pause where the peer has trouble that may pass.
func (r *Remote) again(ctx context.Context, fn func() error) error {
	return replication.Retry(ctx, r.o.Retries, isTransient, fn)
}

// isTransient reports whether another try of a request may succeed.
func isTransient(err error) bool {
	if known, ok := errors.AsType[*replication.Error](err); ok {
		return known.Kind == replication.Failed
	}
	switch status := kivik.HTTPStatus(err); {
	case isNobody(err), status == http.StatusRequestTimeout, status == http.StatusTooManyRequests:
		return true
	default:
		return status >= 500 && status != http.StatusInsufficientStorage
	}
}

// isNobody reports whether an answer says that there is nothing, but not in the words
// of a database server: something else answers in its place.
func isNobody(err error) bool {
	if said, ok := errors.AsType[*chttp.HTTPError](err); ok {
		return said.HTTPStatus() == http.StatusNotFound && said.Reason == ""
	}
	said, ok := errors.AsType[*statusError](err)
	return ok && said.status == http.StatusNotFound && said.name == ""
}

// refused gives an answer that refuses the database the kind that a replication ends
// with. Bodies of answers are not shown: a peer could put anything there.
func (r *Remote) refused(err error) error {
	if err == nil {
		return nil
	}
	if known, ok := errors.AsType[*replication.Error](err); ok {
		return known
	}
	switch status := kivik.HTTPStatus(err); {
	case status == http.StatusNotFound && !isNobody(err):
		return &replication.Error{Kind: replication.Missing, Reason: "could not open " + r.endpoint.URL}
	case status == http.StatusUnauthorized:
		return &replication.Error{Kind: replication.Unauthorized, Reason: "unauthorized to access or create database " + r.endpoint.URL}
	case status == http.StatusForbidden:
		return &replication.Error{Kind: replication.Forbidden, Reason: r.endpoint.URL}
	case status == http.StatusInsufficientStorage:
		return r.full(err)
	default:
		return &replication.Error{Kind: replication.Failed, Reason: "no answer, or trouble, at " + r.endpoint.URL, Err: plain(err)}
	}
}

// full is the error of a peer that has no room. That its quota is why is told in words
// of this server's own.
func (r *Remote) full(err error) error {
	status, ok := errors.AsType[*statusError](err)
	if ok && status.reason == couch.ErrOverQuota.Reason {
		return replication.Errorf(replication.Full, "no room at %s: %s", r.endpoint.URL, couch.ErrOverQuota.Reason)
	}
	return replication.Errorf(replication.Full, "no room at %s", r.endpoint.URL)
}

// plain takes what a peer said out of an error, and URLs.
func plain(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	if status := kivik.HTTPStatus(err); status > 0 && status != http.StatusInternalServerError {
		return errors.New(http.StatusText(status))
	}
	return errors.New("the peer's answer was not understood")
}

// Open looks whether the database is there. See [replication.Side].
func (r *Remote) Open(ctx context.Context) (info replication.Info, err error) {
	err = r.again(ctx, func() error {
		info, err = r.info(ctx)
		return err
	})
	return info, r.refused(err)
}

// info describes the database.
func (r *Remote) info(ctx context.Context) (replication.Info, error) {
	stats, err := r.db.Stats(ctx)
	if err != nil {
		return replication.Info{}, err
	}
	var raw struct {
		InstanceStart any    `json:"instance_start_time"`
		Name          string `json:"db_name"`
	}
	if json.Unmarshal(stats.RawResponse, &raw) != nil || raw.Name == "" && stats.UpdateSeq == "" {
		return replication.Info{}, &replication.Error{Kind: replication.Missing, Reason: "could not open " + r.endpoint.URL}
	}
	start, _ := json.Marshal(raw.InstanceStart)
	return replication.Info{InstanceStart: strings.Trim(string(start), `"`)}, nil
}

// Commit asks the peer to write to its disk what it has acknowledged. A peer that
// does not know the request does so by itself. See [replication.Side].
func (r *Remote) Commit(ctx context.Context) (info replication.Info, err error) {
	err = r.again(ctx, func() error {
		err := r.db.Flush(ctx)
		if status := kivik.HTTPStatus(err); err != nil && status != http.StatusNotFound && status != http.StatusMethodNotAllowed && status != http.StatusNotImplemented {
			return err
		}
		info, err = r.info(ctx)
		return err
	})
	return info, r.refused(err)
}

// Create makes the database, unless it is there. See [replication.Target].
func (r *Remote) Create(ctx context.Context, params map[string]string) error {
	options := kivik.Params(nil)
	if len(params) > 0 {
		all := make(map[string]any)
		for name, value := range params {
			all[name] = value
		}
		options = kivik.Params(all)
	}
	err := r.again(ctx, func() error { return r.kivik.CreateDB(ctx, r.name, options) })
	switch status := kivik.HTTPStatus(err); {
	case err == nil, status == http.StatusPreconditionFailed:
		return nil
	case status == http.StatusBadRequest:
		return &replication.Error{Kind: replication.Missing, Reason: "could not open " + r.endpoint.URL}
	}
	return r.refused(err)
}

// RevsDiff returns which of the revisions are missing. See [replication.Target].
func (r *Remote) RevsDiff(ctx context.Context, asks []couch.RevsAsk) (diffs []couch.RevsDiff, err error) {
	revs := make(map[string][]string, len(asks))
	for _, ask := range asks {
		for _, rev := range ask.Revs {
			revs[string(ask.ID)] = append(revs[string(ask.ID)], rev.String())
		}
	}
	err = r.again(ctx, func() error {
		diffs, err = r.revsDiff(ctx, revs)
		return err
	})
	return diffs, r.refused(err)
}

func (r *Remote) revsDiff(ctx context.Context, revs map[string][]string) ([]couch.RevsDiff, error) {
	rows := r.db.RevsDiff(ctx, revs)
	defer rows.Close()
	var diffs []couch.RevsDiff
	for rows.Next() {
		id, err := rows.ID()
		var row kivik.RevDiff
		if err == nil {
			err = rows.ScanValue(&row)
		}
		if err != nil {
			return nil, err
		}
		diff := couch.RevsDiff{ID: couch.DocID(id)}
		if diff.Missing, err = parseRevs(row.Missing); err != nil {
			return nil, err
		}
		if diff.PossibleAncestors, err = parseRevs(row.PossibleAncestors); err != nil {
			return nil, err
		}
		diffs = append(diffs, diff)
	}
	return diffs, rows.Err()
}

func parseRevs(texts []string) ([]couch.RevID, error) {
	revs := make([]couch.RevID, len(texts))
	for i, text := range texts {
		var err error
		if revs[i], err = couch.ParseRev(text); err != nil {
			return nil, &replication.Error{Kind: replication.Failed, Reason: "the peer has a revision that is none"}
		}
	}
	return revs, nil
}

// FilterCode returns the source text of a filter function. See [replication.Source].
func (r *Remote) FilterCode(ctx context.Context, design, filter string) (code string, err error) {
	var text json.RawMessage
	err = r.again(ctx, func() error { return r.db.Get(ctx, couch.DesignPrefix+design).ScanDoc(&text) })
	if err != nil {
		if kivik.HTTPStatus(err) == http.StatusNotFound {
			return "", replication.Errorf(replication.Invalid, "the design document of the filter is missing")
		}
		return "", r.refused(err)
	}
	return replication.FilterSource(text, filter)
}
