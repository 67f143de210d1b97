package replication

import (
	"bytes"
	"cmp"
	"context"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// IDVersion is the version of the formula of replication ids.
const IDVersion = 4

func bytesReader(text []byte) io.Reader { return bytes.NewReader(text) }

// ID returns the replication's id, under which its checkpoints stand; uuid is that of
// the server that runs it. A filter function's source is part of it, and read from the
// source database. It is CouchDB's couch_replicator_ids:base_id, version 4:
//
//	md5(term_to_binary([UUID, Source, Target | Filter], [{minor_version, 1}]))
//
// where an endpoint is {remote, User, Host, Port, Path, Headers, undefined}, and
// Filter is nothing, the ids, the selector, or the function's text and its parameters.
// That attachments are deferred, which CouchDB does not know, is told at the end.
func (s *Spec) ID(ctx context.Context, uuid string, source Source) (string, error) {
	parts := []term{binaryTerm(uuid), s.Source.term(), s.Target.term()}
	filter, err := s.filterTerms(ctx, source)
	if err != nil {
		return "", err
	}
	parts = append(parts, filter...)
	if s.WinningRevsOnly {
		parts = append(parts, binaryTerm("winning_revs_only"))
	}
	if s.SinceSeq != "" {
		parts = append(parts, binaryTerm(s.SinceSeq))
	}
	if s.Deferred {
		parts = append(parts, binaryTerm("deferred"))
	}
	sum := md5.Sum(append([]byte{termVersion}, listTerm(parts...)...))
	return hex.EncodeToString(sum[:]), nil
}

// JobID returns the id of the job that runs the replication of an id.
func (s *Spec) JobID(id string) string {
	if s.Continuous {
		id += "+continuous"
	}
	if s.CreateTarget {
		id += "+create_target"
	}
	return id
}

func (s *Spec) filterTerms(ctx context.Context, source Source) ([]term, error) {
	switch {
	case s.Filter.DocIDs != nil:
		ids := make([]term, len(s.docIDs))
		for i, id := range s.docIDs {
			ids[i] = binaryTerm(string(id))
		}
		return []term{listTerm(ids...)}, nil
	case s.Filter.Selector != nil:
		t, err := sortedTerm(s.Filter.Selector)
		return []term{t}, err
	case s.Filter.Function == "":
		return nil, nil
	}
	params, err := s.paramsTerm()
	if err != nil {
		return nil, err
	}
	design, name, ok := strings.Cut(s.Filter.Function, "/")
	if !ok {
		return []term{binaryTerm(s.Filter.Function), params}, nil
	}
	code, err := source.FilterCode(ctx, design, name)
	if err != nil {
		return nil, fmt.Errorf("the filter function could not be read: %w", err)
	}
	return []term{binaryTerm(strings.TrimSpace(code)), params}, nil
}

func (s *Spec) paramsTerm() (term, error) {
	text := []byte(s.queryParams)
	if text == nil {
		text = json.RawMessage("{}")
	}
	return sortedTerm(text)
}

// term is what of an endpoint counts in a replication's id: no password.
func (e *Endpoint) term() term {
	user := atomTerm("undefined")
	if e.User != "" {
		user = stringTerm(e.User)
	}
	headers := slices.Clone(e.Headers)
	slices.SortStableFunc(headers, func(a, b Header) int { return cmp.Compare(a.Name, b.Name) })
	terms := make([]term, len(headers))
	for i, h := range headers {
		terms[i] = tupleTerm(stringTerm(h.Name), stringTerm(h.Value))
	}
	host, port, path := e.address()
	return tupleTerm(atomTerm("remote"), user, stringTerm(host), port, stringTerm(path), listTerm(terms...), atomTerm("undefined"))
}

// localAddress is where CouchDB takes databases of its own to be.
const localAddress = "http://127.0.0.1:5984/"

// address takes a URL apart; the port is an atom where it is a usual one.
func (e *Endpoint) address() (host string, port term, path string) {
	u, err := url.Parse(e.URL)
	if e.IsLocal() {
		u, err = url.Parse(localAddress + url.PathEscape(e.Name) + "/")
	}
	if err != nil { // it was parsed before
		return "", atomTerm("default"), ""
	}
	usual := u.Port() == "" || u.Scheme == "https" && u.Port() == "443" || u.Scheme == "http" && (u.Port() == "80" || u.Port() == "5984")
	n, err := strconv.Atoi(u.Port())
	port = intTerm(n)
	if usual || err != nil {
		port = atomTerm("default")
	}
	return u.Hostname(), port, u.EscapedPath()
}
