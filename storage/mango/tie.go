package mango

import "cmp"

// Estimate returns how many rows of an index are in a range, about; ok is false where
// that is not known.
type Estimate func(x *Index, k Keys) (rows int64, ok bool)

// fewRows is how many rows are read of an index without a look at others.
const fewRows = 1000

// breakTie chooses among the indexes that only their names part. As in CouchDB that is the
// first by name, unless it has many rows to read: then it is the one with the fewest. Those
// of which that is not known come last.
//
// A bookmark is a place in one index: what it was made in is read on, whatever has
// been counted or made meanwhile.
func (c *choice) breakTie() {
	if at := c.bookmarked(); at >= 0 {
		c.prefer(at)
		return
	}
	tied := 0
	for tied < len(c.ranked) && c.ranked[tied].compareFit(c.ranked[0]) == 0 {
		tied++
	}
	if tied < 2 || c.estimate == nil {
		return
	}
	if rows, ok := c.estimateOf(c.ranked[0]); ok && rows <= fewRows {
		return
	}
	best, fewest := 0, int64(-1)
	for i, s := range c.ranked[:tied] {
		if rows, ok := c.estimateOf(s); ok && (fewest < 0 || rows < fewest) {
			best, fewest = i, rows
		}
	}
	c.prefer(best)
}

// compareFit orders indexes by how well they fit the selector.
func (s scored) compareFit(t scored) int {
	return cmp.Or(cmp.Compare(s.missed, t.missed), cmp.Compare(len(s.Columns.Fields), len(t.Columns.Fields)))
}

func (c *choice) estimateOf(s scored) (int64, bool) {
	keys := keysOf(s.ranges)
	if keys.Empty {
		return 0, true
	}
	return c.estimate(s.Index, keys)
}

// bookmarked returns the place of the index that the query's bookmark is of; -1 where it
// is of none of them.
func (c *choice) bookmarked() int {
	if c.query.Bookmark == "" {
		return -1
	}
	b, err := ParseBookmark(c.query.Bookmark)
	if err != nil { // which is told when it is used
		return -1
	}
	for i, s := range c.ranked {
		if b.Index != "" && s.ref() == b.Index {
			return i
		}
	}
	return -1
}

// prefer puts one of the ranked indexes in front of the others.
func (c *choice) prefer(at int) {
	best := c.ranked[at]
	copy(c.ranked[1:at+1], c.ranked[:at])
	c.ranked[0] = best
}

// ref names an index in its database.
func (x *Index) ref() string { return string(x.Design) + "/" + x.Name }
