package find

import (
	"context"
	"iter"
	"slices"
	"strings"

	"settle/server/web"
	"settle/storage/collate/jsonscan"
	"settle/storage/couch"
	"settle/storage/mango"
)

// row is a row of an index.
type row struct {
	key []byte // JSON: an array of the columns
	id  couch.DocID
}

// candidate is a row of the index that is read, and its document.
type candidate struct {
	row
	doc  *couch.Document // nil: the document is gone, or not needed
	text []byte          // what the index holds of it, where that is enough
	// hidden is a design document: it is looked at, but never found.
	hidden bool
}

// covers reports whether the index answers a query alone. Special members are not what
// they seem to be in every view of the database, but for the id.
func covers(p *mango.Plan) bool {
	special := func(name string) bool { return strings.HasPrefix(name, "_") && name != "_id" }
	return p.Covering && !p.Query.Conflicts && !slices.ContainsFunc(p.Index.Columns.Fields, special)
}

// covered yields the rows of an index that holds all that is asked for.
func (f *Find) covered(ctx context.Context, db Database, p *mango.Plan, behind *mango.Bookmark) iter.Seq2[candidate, error] {
	return func(yield func(candidate, error) bool) {
		for one, err := range f.rows(ctx, db, p, behind) {
			if err != nil {
				yield(candidate{}, err)
				return
			}
			if !yield(candidate{row: one, text: p.Index.AppendCovered(nil, one.id, one.key)}, nil) {
				return
			}
		}
	}
}

// candidates yields the documents of the part of the index that a plan reads.
func (f *Find) candidates(r *web.Request, p *mango.Plan, behind *mango.Bookmark) iter.Seq2[candidate, error] {
	db := web.DatabaseOf[Database](r)
	switch {
	case p.Index.IsAllDocs():
		return allDocs(r.Context(), db, p, behind)
	case covers(p):
		return f.covered(r.Context(), db, p, behind)
	}
	return f.indexed(r.Context(), db, p, behind)
}

// docsPerRead is how many documents are looked up at a time. The first read is of
// fewer, as most queries stop behind the documents that they show.
const docsPerRead = 200

// indexed yields the documents of the rows of an index.
func (f *Find) indexed(ctx context.Context, db Database, p *mango.Plan, behind *mango.Bookmark) iter.Seq2[candidate, error] {
	return func(yield func(candidate, error) bool) {
		var page []row
		size := min(docsPerRead-1, p.Query.Limit) + 1
		for one, err := range f.rows(ctx, db, p, behind) {
			if err != nil {
				yield(candidate{}, err)
				return
			}
			if page = append(page, row{slices.Clone(one.key), one.id}); len(page) < size {
				continue
			}
			if !yieldDocs(ctx, db, p.Query, page, yield) {
				return
			}
			page, size = page[:0], docsPerRead
		}
		yieldDocs(ctx, db, p.Query, page, yield)
	}
}

// yieldDocs yields the documents of some rows.
func yieldDocs(ctx context.Context, db Database, q *mango.Query, page []row, yield func(candidate, error) bool) bool {
	ids := make([]couch.DocID, len(page))
	for i, one := range page {
		ids[i] = one.id
	}
	at := 0
	for found, err := range db.AllDocsByID(ctx, ids, couch.AllDocsOptions{IncludeDocs: true, Doc: docOptions(q)}) {
		if err != nil {
			yield(candidate{}, err)
			return false
		}
		if !yield(candidate{row: page[at], doc: found.Doc}, nil) {
			return false
		}
		at++
	}
	return true
}

func docOptions(q *mango.Query) couch.GetOptions {
	return couch.GetOptions{Conflicts: q.Conflicts}
}

// allDocs yields the documents of a range of ids.
func allDocs(ctx context.Context, db Database, p *mango.Plan, behind *mango.Bookmark) iter.Seq2[candidate, error] {
	return func(yield func(candidate, error) bool) {
		o, ok := idRange(p, behind)
		if !ok {
			return
		}
		for found, err := range listed(ctx, db, o) {
			if err == nil && behind != nil && found.ID == behind.ID {
				continue
			}
			key := appendString(nil, string(found.ID))
			if !yield(candidate{row: row{key, found.ID}, doc: found.Doc, hidden: found.ID.IsDesign()}, err) || err != nil {
				return
			}
		}
	}
}

// idRange turns the keys of a plan, a bookmark and a partition into a range of ids;
// ok is false where there are none in it.
func idRange(p *mango.Plan, behind *mango.Bookmark) (o couch.AllDocsOptions, ok bool) {
	low, high := couch.DocID(""), couch.DocID("")
	if name := p.Query.Partition; name != "" {
		low, high = couch.DocID(name+":"), couch.DocID(name+";")
	}
	o = couch.AllDocsOptions{Descending: p.Query.Sort.Descending, Limit: -1, IncludeDocs: true, Doc: docOptions(p.Query)}
	if len(p.Keys.Low) > 0 {
		if id, ok := idOf(p.Keys.Low[0]); ok { // what is no string sorts in front of all ids
			low = max(low, id)
		}
	}
	if len(p.Keys.High) > 0 {
		id, ok := idOf(p.Keys.High[0])
		if !ok {
			return o, false
		}
		if high == "" || id < high {
			high = id
		}
	}
	if behind != nil && o.Descending && (high == "" || behind.ID < high) {
		high = behind.ID
	} else if behind != nil && !o.Descending {
		low = max(low, behind.ID)
	}
	setBounds(&o, low, high)
	return o, high == "" || low <= high
}

// setBounds sets the ends in the order of reading; an empty one is none.
func setBounds(o *couch.AllDocsOptions, low, high couch.DocID) {
	first, last := &low, &high
	if o.Descending {
		first, last = last, first
	}
	if *first != "" {
		o.Start = first
	}
	if *last != "" {
		o.End = last
	}
}

// idOf returns the string that a JSON value is.
func idOf(value []byte) (couch.DocID, bool) {
	s := jsonscan.New(value)
	raw, ok := s.String()
	if !ok {
		return "", false
	}
	plain, ok := jsonscan.Unescape(nil, raw)
	return couch.DocID(strings.Clone(string(plain))), ok
}
