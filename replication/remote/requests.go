package remote

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"settle/replication"
	"settle/storage/couch"
)

// These are the requests that kivik has no words for, or reads whole where what
// comes has to be streamed.

// heartbeat is how often a feed that waits shows that it is alive.
const heartbeat = 10 * time.Second

// statusError is an answer that is none of those hoped for.
type statusError struct {
	status int
	name   string // what the peer calls the error
	reason string
}

// Error tells the status alone.
func (e *statusError) Error() string { return "the peer answered " + strconv.Itoa(e.status) }

// HTTPStatus is what kivik asks an error for.
func (e *statusError) HTTPStatus() int { return e.status }

// request is one request.
type request struct {
	method, path string // below the database
	query        url.Values
	accept       string
	contentType  string
	body         []byte
	stream       io.Reader // instead of body
	length       int64     // of stream
	encoding     string    // accepted of the answer; empty: gzip, which is unpacked
}

// do sends a request. The answer's status is below 300; its body is the caller's to
// close.
func (r *Remote) do(ctx context.Context, q request) (*http.Response, error) {
	req, err := r.newRequest(ctx, q)
	if err != nil {
		return nil, replication.ErrBadURL
	}
	res, err := r.http.Do(req)
	if err != nil {
		if known, ok := errors.AsType[*replication.Error](err); ok {
			return nil, known
		}
		return nil, &replication.Error{Kind: replication.Failed, Reason: "the peer could not be asked", Err: plain(err)}
	}
	if res.StatusCode >= 300 {
		defer res.Body.Close()
		return nil, readStatus(res)
	}
	return res, nil
}

func (r *Remote) newRequest(ctx context.Context, q request) (*http.Request, error) {
	where := strings.TrimSuffix(r.endpoint.URL, "/") + q.path
	if len(q.query) > 0 {
		where += "?" + q.query.Encode()
	}
	var body io.Reader
	switch {
	case q.stream != nil:
		body = q.stream
	case q.body != nil:
		body = bytes.NewReader(q.body)
	}
	req, err := http.NewRequestWithContext(ctx, q.method, where, body)
	if err != nil {
		return nil, err
	}
	if q.stream != nil {
		req.ContentLength = q.length
	}
	for name, value := range map[string]string{
		"Accept": cmp.Or(q.accept, "application/json"), "Accept-Encoding": q.encoding, "Content-Type": q.contentType,
		couch.ViaHeader: couch.ViaOf(ctx).String(),
	} {
		if value != "" {
			req.Header.Set(name, value)
		}
	}
	return req, nil
}

func readStatus(res *http.Response) error {
	e := &statusError{status: res.StatusCode}
	var said struct{ Error, Reason string }
	text, _ := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	if json.Unmarshal(text, &said) == nil {
		e.name, e.reason = said.Error, said.Reason
	}
	return e
}

// changesFeed asks for changes behind a sequence.
func (r *Remote) changesFeed(ctx context.Context, f replication.Feed, since string) (*http.Response, error) {
	q := request{method: http.MethodGet, path: "/_changes", query: url.Values{"style": {"all_docs"}, "since": {since}}}
	for _, p := range f.Filter.Params {
		q.query.Set(p.Name, p.Value)
	}
	if f.WinningOnly {
		q.query.Set("style", "main_only")
	}
	if f.Wait {
		q.query.Set("feed", "continuous")
	}
	q.query.Set("heartbeat", strconv.FormatInt(min(heartbeat, r.o.Timeout/3).Milliseconds(), 10))
	var payload any
	switch {
	case f.Filter.DocIDs != nil:
		q.query.Set("filter", "_doc_ids")
		payload = map[string]any{"doc_ids": f.Filter.DocIDs}
	case f.Filter.Selector != nil:
		q.query.Set("filter", "_selector")
		payload = map[string]any{"selector": json.RawMessage(f.Filter.Selector)}
	case f.Filter.Function != "":
		q.query.Set("filter", f.Filter.Function)
	}
	if payload != nil {
		text, err := json.Marshal(payload)
		if err != nil {
			return nil, err
		}
		q.method, q.body, q.contentType = http.MethodPost, text, "application/json"
	}
	return r.do(ctx, q)
}

// Pending returns how many changes lie behind a sequence. See [replication.Source].
func (r *Remote) Pending(ctx context.Context, since string) (int64, error) {
	res, err := r.do(ctx, request{method: http.MethodGet, path: "/_changes", query: url.Values{"since": {since}, "limit": {"0"}}})
	if err != nil {
		return -1, r.refused(err)
	}
	defer res.Body.Close()
	var said struct{ Pending *int64 }
	if json.NewDecoder(io.LimitReader(res.Body, 64<<10)).Decode(&said) != nil || said.Pending == nil {
		return -1, nil
	}
	return *said.Pending, nil
}

// bulkGetAsk is an entry of a _bulk_get request.
type bulkGetAsk struct {
	ID        string   `json:"id"`
	Rev       string   `json:"rev"`
	AttsSince []string `json:"atts_since"`
}

// bulkGet asks for revisions without the contents of attachments.
func (r *Remote) bulkGet(ctx context.Context, asks []replication.Ask) (*http.Response, error) {
	docs := []bulkGetAsk{}
	for _, ask := range asks {
		for _, rev := range ask.Revs {
			docs = append(docs, bulkGetAsk{ID: string(ask.ID), Rev: rev.String(), AttsSince: formatRevs(ask.Since)})
		}
	}
	text, err := json.Marshal(map[string]any{"docs": docs})
	if err != nil {
		return nil, err
	}
	q := request{
		method: http.MethodPost, path: "/_bulk_get", body: text, contentType: "application/json",
		query: url.Values{"latest": {"true"}, "revs": {"true"}, "attachments": {"false"}},
	}
	if len(asks) > 0 && asks[0].Deferred {
		q.query.Set("att_encoding_info", "true")
	}
	return r.do(ctx, q)
}

func formatRevs(revs []couch.RevID) []string {
	texts := make([]string, len(revs))
	for i, rev := range revs {
		texts[i] = rev.String()
	}
	return texts
}

// openRevs asks for revisions of one document with the contents of those attachments
// that none of since has.
func (r *Remote) openRevs(ctx context.Context, ask replication.Ask) (*http.Response, error) {
	revs, err := json.Marshal(formatRevs(ask.Revs))
	if err != nil {
		return nil, err
	}
	q := request{
		method: http.MethodGet, path: "/" + escapeID(ask.ID), accept: "multipart/mixed, application/json;q=0.5",
		query: url.Values{"latest": {"true"}, "revs": {"true"}, "open_revs": {string(revs)}},
	}
	switch {
	case ask.Deferred:
		q.accept = "application/json"
		q.query.Set("att_encoding_info", "true")
	case len(ask.Since) > 0:
		since, err := json.Marshal(formatRevs(ask.Since))
		if err != nil {
			return nil, err
		}
		q.query.Set("atts_since", string(since))
	}
	return r.do(ctx, q)
}

// escapeID escapes a document's id for a path; CouchDB's own prefixes keep their slash.
func escapeID(id couch.DocID) string {
	if name, ok := strings.CutPrefix(string(id), couch.DesignPrefix); ok {
		return couch.DesignPrefix + escapePart(name)
	}
	return escapePart(string(id))
}

// escapePart escapes a part of a path. CouchDB takes a bare plus sign for a space.
func escapePart(s string) string { return strings.ReplaceAll(url.PathEscape(s), "+", "%2B") }

// attachment asks for the content of one attachment, of the winner where rev is zero.
func (r *Remote) attachment(ctx context.Context, id couch.DocID, rev couch.RevID, name, encoding string) (*http.Response, error) {
	q := request{method: http.MethodGet, path: "/" + escapeID(id) + "/" + escapePart(name), accept: "*/*", encoding: encoding}
	if !rev.IsZero() {
		q.query = url.Values{"rev": {rev.String()}}
	}
	return r.do(ctx, q)
}

// putRevision stores one revision, whose body has a type of its own. Of a stream only
// one try is made.
func (r *Remote) putRevision(ctx context.Context, id couch.DocID, q request) error {
	q.method, q.path, q.query = http.MethodPut, "/"+escapeID(id), url.Values{"new_edits": {"false"}}
	return discardAnswer(r.do(ctx, q))
}

// discardAnswer reads an answer to its end, so that the connection can be used again.
func discardAnswer(res *http.Response, err error) error {
	if err != nil {
		return err
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, io.LimitReader(res.Body, 1<<20))
	return err
}

// bulkDocsRow is a row of the answer to _bulk_docs.
type bulkDocsRow struct {
	ID     couch.DocID `json:"id"`
	Rev    string      `json:"rev"`
	Error  string      `json:"error"`
	Reason string      `json:"reason"`
}

// bulkDocs sends a batch and returns the rows about those that were refused.
func (r *Remote) bulkDocs(ctx context.Context, text []byte) (rows []bulkDocsRow, err error) {
	err = r.again(ctx, func() error {
		res, err := r.do(ctx, request{method: http.MethodPost, path: "/_bulk_docs", body: text, contentType: "application/json"})
		if err != nil {
			return err
		}
		defer res.Body.Close()
		rows = nil
		if json.NewDecoder(bound(res.Body, r.o.MaxAnswer)).Decode(&rows) != nil {
			return &replication.Error{Kind: replication.Failed, Reason: "the answer to a batch was cut short, or is none"}
		}
		return nil
	})
	return rows, err
}
