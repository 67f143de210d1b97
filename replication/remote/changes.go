package remote

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"net/http"
	"time"

	"settle/replication"
	"settle/storage/couch"
)

// Changes yields the changes that the feed asks for; where an answer is cut it goes
// on behind the last row. See [replication.Source].
func (r *Remote) Changes(ctx context.Context, f replication.Feed) iter.Seq2[replication.Change, error] {
	return func(yield func(replication.Change, error) bool) {
		since, failures, pause := f.Since, 0, 250*time.Millisecond
		for ctx.Err() == nil {
			before, began := since, time.Now()
			more, err := r.readFeed(ctx, f, &since, yield)
			if !more {
				return
			}
			if since != before {
				failures, pause = 0, 250*time.Millisecond
			}
			switch {
			case err == nil && !f.Wait:
				return
			case err == nil && (since != before || time.Since(began) > shortFeed):
				continue
			case err == nil: // a peer that does not wait is not asked all the time
				sleep(ctx, shortFeed)
				continue
			}
			if failures++; failures > r.o.Retries || !isTransient(err) {
				yield(replication.Change{}, r.refused(err))
				return
			}
			sleep(ctx, pause)
			pause = min(2*pause, 10*time.Second)
		}
		yield(replication.Change{}, ctx.Err())
	}
}

// shortFeed is how long a feed at least should wait for changes.
const shortFeed = time.Second

// sleep waits, but no longer than ctx lasts.
func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// readFeed reads one answer, and reports whether more rows are wanted.
func (r *Remote) readFeed(ctx context.Context, f replication.Feed, since *string, yield func(replication.Change, error) bool) (more bool, err error) {
	res, err := r.changesFeed(ctx, f, *since)
	if status, ok := errors.AsType[*statusError](err); ok && status.isUnknownSeq() && *since != "0" && f.Filter.IsZero() {
		*since = "0" // starting over is safe
		return true, &replication.Error{Kind: replication.Failed, Reason: "the peer does not know the sequence"}
	}
	if err != nil {
		return true, err
	}
	defer res.Body.Close()
	feed := &feedReader{since: since, yield: yield}
	if f.Wait {
		return feed.lines(bound(skipBlank{res.Body}, r.o.MaxAnswer))
	}
	return feed.results(bound(res.Body, r.o.MaxAnswer))
}

// isUnknownSeq reports whether an answer to a feed without a filter may say that the peer
// does not know the sequence any more.
func (e *statusError) isUnknownSeq() bool {
	return e.status == http.StatusBadRequest && e.name == "bad_request"
}

// feedReader reads one answer of a feed.
type feedReader struct {
	since *string // behind the last row that was yielded
	yield func(replication.Change, error) bool
}

// feedRow is a row of a feed, or the last line of a continuous one.
type feedRow struct {
	Seq     replication.Seq `json:"seq"`
	ID      string          `json:"id"`
	Changes []struct {
		Rev string `json:"rev"`
	} `json:"changes"`
	LastSeq replication.Seq `json:"last_seq"`
	Error   string          `json:"error"`
}

var (
	errBadFeed = &replication.Error{Kind: replication.Failed, Reason: "the peer's feed of changes is malformed"}
	errCutFeed = &replication.Error{Kind: replication.Failed, Reason: "the peer's feed of changes was cut short"}
)

// results reads the feed of one answer: {"results":[rows],"last_seq":...}. Only an answer
// that came to its end is the whole.
func (f *feedReader) results(body *bounded) (more bool, err error) {
	d := json.NewDecoder(body)
	for _, want := range []json.Token{json.Delim('{'), "results", json.Delim('[')} {
		got, err := d.Token()
		if err != nil {
			return true, errCutFeed
		}
		if got != want {
			return true, errBadFeed
		}
	}
	for d.More() {
		var row feedRow
		if err := d.Decode(&row); err != nil {
			return true, errCutFeed
		}
		if more, err := f.pass(row); !more || err != nil {
			return more, err
		}
		body.renew()
	}
	for {
		switch _, err := d.Token(); err {
		case nil:
		case io.EOF:
			return true, nil
		default:
			return true, errCutFeed
		}
	}
}

// lines reads a continuous feed until the peer ends it.
func (f *feedReader) lines(body *bounded) (more bool, err error) {
	d := json.NewDecoder(body)
	for {
		var row feedRow
		err := d.Decode(&row)
		if err == io.EOF {
			return true, nil
		}
		if err != nil || row.Error != "" {
			return true, errCutFeed
		}
		if row.ID == "" && row.LastSeq != "" {
			*f.since = string(row.LastSeq)
			return true, nil
		}
		if more, err := f.pass(row); !more || err != nil {
			return more, err
		}
		body.renew()
	}
}

// pass yields a row, and reports whether more are wanted.
func (f *feedReader) pass(row feedRow) (more bool, err error) {
	change := replication.Change{Seq: string(row.Seq), ID: couch.DocID(row.ID)}
	for _, c := range row.Changes {
		rev, err := couch.ParseRev(c.Rev)
		if err != nil {
			return true, errBadFeed
		}
		change.Revs = append(change.Revs, rev)
	}
	if !f.yield(change, nil) {
		return false, nil
	}
	if change.Seq != "" && change.Seq != "null" {
		*f.since = change.Seq
	}
	return true, nil
}

// skipBlank drops the line breaks of heartbeats, of which a decoder would gather all
// up to the next row.
type skipBlank struct{ r io.Reader }

// Read reads on; what comes of it may be nothing.
func (s skipBlank) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if len(bytes.TrimSpace(p[:n])) == 0 {
		n = 0
	}
	return n, err
}
