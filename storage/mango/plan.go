package mango

import (
	"cmp"
	"slices"
)

// Plan is how a query is answered: the index to read, the part of it, and why it is
// not another one. The choice is that of CouchDB 3.5 (mango_cursor, mango_cursor_view), but
// where CouchDB goes by the indexes' names.
type Plan struct {
	Query      *Query
	Index      *Index // nil: none gives the order that is asked for
	Keys       Keys
	Covering   bool // the index holds all that is asked of the documents
	Candidates []Candidate
}

// Candidate is an index that was not chosen.
type Candidate struct {
	Index    *Index
	Usable   bool
	Reason   string
	Ranking  int
	Covering bool
}

// Why an index was not chosen.
const (
	isPartial       = "is_partial"
	scopeMismatch   = "scope_mismatch"
	fieldMismatch   = "field_mismatch"
	sortMismatch    = "sort_order_mismatch"
	needsTextSearch = "needs_text_search"
	excludedByUser  = "excluded_by_user"
	unfavoredType   = "unfavored_type"
	lessOverlap     = "less_overlap"
	tooManyFields   = "too_many_fields"
	comesAfter      = "alphabetically_comes_after"
	readsMore       = "reads_more_rows" // settle's own
)

// scored is a usable index and how far its columns stand for the selector.
type scored struct {
	*Index
	ranges []valueRange
	missed int // ranges that the index does not serve
}

// NewPlan chooses among the indexes of a database; that of all documents is added.
// estimate may be nil.
// The error is an InvalidIndex, where the query forbids any other index than the one
// it names.
func NewPlan(indexes []*Index, q *Query, estimate Estimate) (*Plan, error) {
	all := append(slices.Clone(indexes), AllDocs())
	slices.SortFunc(all, (*Index).Compare)
	c := &choice{query: q, all: all, estimate: estimate, refused: make(map[*Index]string)}
	c.sift()
	if !q.AllowFallback && len(c.usable) > 0 && len(c.named) == 0 && (len(q.UseIndex) > 0 || !c.hasJSON()) {
		return nil, unsuitable(q.UseIndex)
	}
	p := &Plan{Query: q}
	if ranked := c.rank(); len(ranked) > 0 {
		best := ranked[0]
		p.Index, p.Keys = best.Index, keysOf(best.ranges)
		p.Keys.Empty = p.Keys.Empty || q.Selector.neverHolds()
		p.Covering = best.covers(q.Fields.names(), q.Selector.fields())
	}
	p.Candidates = c.candidates(p.Index)
	return p, nil
}

// choice is the way to a plan.
type choice struct {
	query    *Query
	all      []*Index
	estimate Estimate
	refused  map[*Index]string // why an index cannot be used
	usable   []*Index
	named    []*Index // the usable ones that the query names
	ranked   []scored // of the type that is read, best first
}

// sift parts the indexes that can answer the query from the others.
func (c *choice) sift() {
	for _, x := range c.all {
		reason := c.refuses(x)
		if reason != "" {
			c.refused[x] = reason
			continue
		}
		c.usable = append(c.usable, x)
		if c.query.Names(x) {
			c.named = append(c.named, x)
		}
	}
}

func (c *choice) hasJSON() bool {
	return slices.ContainsFunc(c.usable, func(x *Index) bool { return !x.IsAllDocs() })
}

func (c *choice) refuses(x *Index) string {
	q := c.query
	switch {
	case x.Partial != nil && !q.Names(x):
		return isPartial
	case !x.IsAllDocs() && x.Partitioned != (q.Partition != ""):
		return scopeMismatch
	case x.IsAllDocs() && len(q.Sort.Fields) == 0:
		return ""
	case x.IsAllDocs() && !slices.Contains(q.Selector.indexableFields(), "_id"):
		return fieldMismatch
	case !x.IsAllDocs() && !q.Selector.requires(x.needed(q.Sort)):
		return fieldMismatch
	case !x.sorts(q.Sort, q.Selector):
		return sortMismatch
	case !x.IsAllDocs() && q.Selector.isText():
		return needsTextSearch
	}
	return ""
}

// needed are the columns that a document must have to be in the index, but for those
// that every document has and those that are sorted by, which a result must have.
func (x *Index) needed(s Sort) []string {
	var needed []string
	for _, column := range x.Columns.Fields {
		if column != "_id" && column != "_rev" && !slices.Contains(s.Fields, column) {
			needed = append(needed, column)
		}
	}
	return needed
}

// sorts reports whether the index has the rows in the order: its columns begin with
// the fields, behind some that are the same in all rows.
func (x *Index) sorts(s Sort, selector *Selector) bool {
	if len(s.Fields) == 0 {
		return true
	}
	columns := x.Columns.Fields
	for len(columns) > 0 && columns[0] != s.Fields[0] {
		if !selector.isConstant(columns[0]) {
			return false
		}
		columns = columns[1:]
	}
	return len(columns) >= len(s.Fields) && slices.Equal(columns[:len(s.Fields)], s.Fields)
}

// Names reports whether the query asks for the index.
func (q *Query) Names(x *Index) bool {
	if len(q.UseIndex) == 0 || x.IsAllDocs() || x.Design != designID(q.UseIndex[0]) {
		return false
	}
	return len(q.UseIndex) == 1 || x.Name == q.UseIndex[1]
}

// favored are the indexes to choose from: those that the query names, or else all
// that are usable; of them those of a design document, if there are any.
func (c *choice) favored() []*Index {
	from := c.usable
	if len(c.named) > 0 {
		from = c.named
	}
	json := slices.DeleteFunc(slices.Clone(from), (*Index).IsAllDocs)
	if len(json) > 0 {
		return json
	}
	return from
}

// rank orders the indexes to choose from: by how many ranges of the selector they do
// not serve, then by their columns, then by the rows to read, then by name.
func (c *choice) rank() []scored {
	ranges := c.query.Selector.ranges()
	for _, x := range c.favored() {
		s := scored{Index: x, missed: len(ranges)}
		for _, column := range x.Columns.Fields {
			r, ok := ranges[column]
			if !ok {
				break
			}
			s.ranges = append(s.ranges, r)
			s.missed--
		}
		c.ranked = append(c.ranked, s)
	}
	slices.SortStableFunc(c.ranked, func(a, b scored) int {
		return cmp.Or(a.compareFit(b), a.Compare(b.Index))
	})
	c.breakTie()
	return c.ranked
}

// candidates returns the indexes that were not chosen, the last one by name first, as
// CouchDB lists them.
func (c *choice) candidates(chosen *Index) []Candidate {
	ranks := c.rankings()
	var out []Candidate
	for _, x := range slices.Backward(c.all) {
		if x == chosen {
			continue
		}
		one := Candidate{Index: x, Usable: c.refused[x] == "", Reason: cmp.Or(c.refused[x], c.reasonOf(x, chosen))}
		one.Ranking = ranks[one.Reason]
		if i := slices.IndexFunc(c.ranked, func(s scored) bool { return s.Index == x }); i >= 0 {
			one.Ranking = i
		}
		one.Covering = x.covers(c.query.Fields.names(), nil)
		out = append(out, one)
	}
	return out
}

// reasonOf says why a usable index was not chosen.
func (c *choice) reasonOf(x, chosen *Index) string {
	i := slices.IndexFunc(c.ranked, func(s scored) bool { return s.Index == x })
	switch {
	case i < 0 && len(c.named) > 0 && !slices.Contains(c.named, x):
		return excludedByUser
	case i < 0:
		return unfavoredType
	case c.ranked[i].missed > 0:
		return lessOverlap
	case len(x.Columns.Fields) > len(chosen.Columns.Fields):
		return tooManyFields
	case x.Compare(chosen) < 0:
		return readsMore
	}
	return comesAfter
}

// rankings are the places of the groups of indexes behind those of the type that was
// read: a group comes behind all that are not empty.
func (c *choice) rankings() map[string]int {
	rank := max(1, len(c.ranked))
	ranks := make(map[string]int)
	for _, group := range [][]string{{unfavoredType}, {excludedByUser}, {fieldMismatch, sortMismatch, needsTextSearch}, {scopeMismatch}, {isPartial}} {
		for _, reason := range group {
			ranks[reason] = rank
		}
		if c.has(group) {
			rank++
		}
	}
	return ranks
}

func (c *choice) has(reasons []string) bool {
	return slices.ContainsFunc(c.all, func(x *Index) bool {
		reason := c.refused[x]
		if reason == "" && len(c.ranked) > 0 {
			reason = c.reasonOf(x, c.ranked[0].Index)
		}
		return slices.Contains(reasons, reason)
	})
}

// covers reports whether the index holds all the fields. Without fields to show,
// whole documents are asked for.
func (x *Index) covers(show, match []string) bool {
	if x.IsAllDocs() || len(show) == 0 {
		return false
	}
	missing := func(name string) bool { return name != "_id" && !slices.Contains(x.Columns.Fields, name) }
	return !slices.ContainsFunc(show, missing) && !slices.ContainsFunc(match, missing)
}
