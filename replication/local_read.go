package replication

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"slices"

	"settle/storage/couch"
)

// FilterSource finds the source of a filter function in a design document.
func FilterSource(design []byte, filter string) (string, error) {
	var doc struct {
		Filters map[string]string `json:"filters"`
	}
	if err := json.Unmarshal(design, &doc); err != nil {
		return "", Errorf(Invalid, "the design document of the filter is malformed")
	}
	code, ok := doc.Filters[filter]
	if !ok {
		return "", Errorf(Invalid, "there is no filter function of that name")
	}
	return code, nil
}

func (l *Local) since(ctx context.Context, s string) (couch.Seq, error) {
	last, err := l.db.UpdateSeq(ctx)
	if err != nil || s == "" || s == "0" {
		return 0, err
	}
	if s == "now" {
		return last, nil
	}
	return l.db.ParseSeq(s, last)
}

// Changes yields the changes that the feed asks for. See [Source].
func (l *Local) Changes(ctx context.Context, f Feed) iter.Seq2[Change, error] {
	return func(yield func(Change, error) bool) {
		since, err := l.since(ctx, f.Since)
		var match Matcher
		if err == nil && (f.Filter.Selector != nil || f.Filter.Function != "" && f.Filter.Function != "_design") {
			match, err = l.o.Matcher(ctx, l.db, f.Filter)
		}
		if err != nil {
			yield(Change{}, err)
			return
		}
		for {
			more := l.db.Wait()
			p := pass{l: l, f: f, match: match, since: since, yield: yield}
			if !p.run(ctx) || !f.Wait {
				return
			}
			since = p.since
			select {
			case <-more:
			case <-ctx.Done():
				yield(Change{}, ctx.Err())
				return
			}
		}
	}
}

// pass is one reading of the feed up to its end.
type pass struct {
	l     *Local
	f     Feed
	match Matcher
	since couch.Seq
	yield func(Change, error) bool

	rows []couch.Change // not filtered yet
	size int            // of their documents
}

// Bounds on what is filtered at once.
const (
	filterRows  = 100
	filterBytes = 4 << 20
)

// run reports whether the end was reached.
func (p *pass) run(ctx context.Context) bool {
	o := couch.ChangesOptions{Since: p.since, AllLeaves: !p.f.WinningOnly, DocIDs: p.f.Filter.DocIDs, IncludeDocs: p.match != nil}
	o.Doc = couch.GetOptions{Deleted: true, Revs: true}
	for row, err := range p.l.db.Changes(ctx, o) {
		if err != nil {
			p.yield(Change{}, err)
			return false
		}
		if p.match == nil {
			if (p.f.Filter.Function != "_design" || row.ID.IsDesign()) && !p.pass(row) {
				return false
			}
			p.since = row.Seq
			continue
		}
		p.rows = append(p.rows, row)
		if row.Doc != nil {
			p.size += len(row.Doc.Body.Text)
		}
		if (len(p.rows) >= filterRows || p.size >= filterBytes) && !p.filter(ctx) {
			return false
		}
	}
	return p.filter(ctx)
}

func (p *pass) pass(row couch.Change) bool {
	return p.yield(Change{Seq: p.l.db.FormatSeq(row.Seq), ID: row.ID, Revs: row.Revs}, nil)
}

// filter passes on those of the rows that match.
func (p *pass) filter(ctx context.Context) bool {
	var docs []*couch.Document
	for _, row := range p.rows {
		if row.Doc != nil {
			docs = append(docs, row.Doc)
		}
	}
	if len(p.rows) == 0 {
		return true
	}
	matches, err := p.match(ctx, docs)
	if err != nil {
		p.yield(Change{}, err)
		return false
	}
	for _, row := range p.rows {
		if row.Doc != nil {
			if matches[0] && !p.pass(row) {
				return false
			}
			matches = matches[1:]
		}
		p.since = row.Seq
	}
	p.rows, p.size = p.rows[:0], 0
	return true
}

// Fetch yields revisions. See [Source].
func (l *Local) Fetch(ctx context.Context, asks []Ask) iter.Seq2[*Revision, error] {
	return func(yield func(*Revision, error) bool) {
		for _, ask := range asks {
			found, err := l.db.OpenRevs(ctx, ask.ID, couch.OpenRevsOptions{Revs: ask.Revs, Latest: true}, couch.GetOptions{Revs: true})
			if err != nil {
				yield(nil, err)
				return
			}
			for _, f := range found {
				r := &Revision{Doc: f.Doc}
				if f.Doc != nil {
					if err := l.send(ctx, r, &ask); err != nil {
						yield(nil, err)
						return
					}
				}
				if !yield(r, nil) {
					return
				}
			}
		}
	}
}

// send says of each attachment whether its content goes along. A revision with one that
// cannot be had any more is Refused.
func (l *Local) send(ctx context.Context, r *Revision, ask *Ask) error {
	doc := *r.Doc
	r.Doc = &doc
	r.ByBulk = len(doc.Attachments) == 0 && !doc.ID.IsDesign()
	doc.Attachments = slices.Clone(doc.Attachments)
	known := KnownGeneration(doc.Revisions, ask.Since)
	for i := range doc.Attachments {
		a := &doc.Attachments[i]
		if a.RevPos > 0 && a.RevPos <= known {
			a.Stub = true
			continue
		}
		if ask.Deferred {
			continue
		}
		if err := l.db.Ready(ctx, doc.Attachments[i:i+1]); errors.Is(err, &couch.Error{Kind: couch.Gone}) {
			r.Refused = err
			return nil
		} else if err != nil {
			return &Error{Kind: Failed, Reason: "an attachment could not be fetched", Err: err}
		}
		stored := *a
		if a.Encoded { // the digest of what comes is another one
			a.Digest, a.Encoded = couch.Digest{}, false
		}
		r.Contents = append(r.Contents, Content{Index: i, Length: a.Length, Digest: a.Digest, Open: func() (io.ReadCloser, error) {
			content, err := l.db.ReadBlob(ctx, stored, 0, -1)
			if err != nil { // where it is gone, so is the revision; the next try sees that
				return nil, &Error{Kind: Failed, Reason: "an attachment could not be read", Err: err}
			}
			return content, nil
		}})
	}
	return nil
}

// KnownGeneration returns the generation of the newest of the revisions that is an
// ancestor, 0 for none.
func KnownGeneration(path couch.Revisions, since []couch.RevID) (newest uint64) {
	for i := range path.Hashes {
		if i > 0 && slices.Contains(since, path.Rev(i)) {
			return path.Rev(i).Gen
		}
	}
	return 0
}
