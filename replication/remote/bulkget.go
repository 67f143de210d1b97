package remote

import (
	"context"
	"errors"
	"net/http"

	"settle/replication"
	"settle/storage/couch"
	"settle/storage/docjson"
)

// fetchBulk yields what one _bulk_get brings, and returns what is left to fetch.
func (r *Remote) fetchBulk(ctx context.Context, asks []replication.Ask, yield func(*replication.Revision, error) bool) (rest []replication.Ask, stopped bool, err error) {
	var plain []replication.Ask
	for _, ask := range asks {
		if ask.ID.IsDesign() || !r.o.UseBulkGet || r.noBulkGet.Load() {
			rest = append(rest, ask)
		} else {
			plain = append(plain, ask)
		}
	}
	if len(plain) == 0 {
		return rest, false, nil
	}
	var res *http.Response
	err = r.again(ctx, func() (err error) {
		res, err = r.bulkGet(ctx, plain)
		return err
	})
	if lacksBulkGet(err) {
		r.noBulkGet.Store(true)
		return asks, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	defer res.Body.Close()
	b := bulkGetReader{asks: plain, yield: yield}
	err = b.read(docjson.NewReader(res.Body))
	return append(rest, b.rest...), b.stopped, err
}

// lacksBulkGet reports whether an answer says that the peer does not know the request.
func lacksBulkGet(err error) bool {
	status, ok := errors.AsType[*statusError](err)
	if !ok {
		return false
	}
	switch status.status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusRequestTimeout, http.StatusTooManyRequests:
		return false
	}
	return status.status < 500
}

// bulkGetReader reads an answer to _bulk_get.
type bulkGetReader struct {
	asks    []replication.Ask
	yield   func(*replication.Revision, error) bool
	rest    []replication.Ask // what has to be fetched one by one
	stopped bool
}

var errStopped = errors.New("no more revisions are wanted")

func (b *bulkGetReader) read(json *docjson.Reader) error {
	results := 0
	for name, err := range json.Members() {
		if err != nil {
			return errBadDocs
		}
		if name != "results" {
			continue
		}
		for _, err := range json.Elements() {
			if err == nil {
				err = b.readResult(json)
			}
			if err == errStopped {
				b.stopped = true
				return nil
			}
			if err != nil {
				return err
			}
			results++
		}
	}
	if json.End() != nil || results == 0 && len(b.asks) > 0 {
		return errBadDocs
	}
	return nil
}

// readResult reads one {"id":..,"docs":[{"ok":..}|{"error":..}]}.
func (b *bulkGetReader) readResult(json *docjson.Reader) error {
	for name, err := range json.Members() {
		if err != nil {
			return errBadDocs
		}
		if name != "docs" {
			continue
		}
		for _, err := range json.Elements() {
			if err == nil {
				err = b.readDoc(json)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func (b *bulkGetReader) readDoc(json *docjson.Reader) error {
	for name, err := range json.Members() {
		if err != nil {
			return errBadDocs
		}
		var rev *replication.Revision
		switch name {
		case "ok":
			rev, err = readRevision(json)
		case "error":
			rev, err = new(replication.Revision), json.Skip()
		default:
			continue
		}
		if err != nil {
			return err
		}
		if rev.Doc != nil && !b.isWhole(rev) {
			continue
		}
		rev.ByBulk = rev.Doc != nil && len(rev.Doc.Attachments) == 0
		if !b.yield(rev, nil) {
			return errStopped
		}
	}
	return nil
}

// isWhole reports whether a revision needs no contents; else it notes that it is to
// be fetched with them.
func (b *bulkGetReader) isWhole(rev *replication.Revision) bool {
	doc := rev.Doc
	var asked replication.Ask
	for _, ask := range b.asks {
		if ask.ID == doc.ID {
			asked = ask
			break
		}
	}
	if stubs(doc, asked.Since) || asked.Deferred {
		return true
	}
	asked.Revs = []couch.RevID{doc.Rev()}
	b.rest = append(b.rest, asked)
	return false
}
