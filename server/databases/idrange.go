package databases

import (
	"settle/server/viewparams"
	"settle/storage/couch"
)

// idRange is a range of ids in the order of reading.
type idRange struct {
	start, end *couch.DocID // nil: from the first, to the last
	empty      bool         // there is nothing between them
	behindAll  bool         // it begins behind the last id
}

// rangeOf turns the bounds into ids: a bound that is no string lies below every id.
func rangeOf(o *viewparams.Params) idRange {
	var r idRange
	switch {
	case o.Start == nil:
	case o.Start.IsString:
		r.start = docID(o.Start)
	case o.Descending:
		r.empty, r.behindAll = true, true
	}
	switch {
	case o.End == nil:
	case o.End.IsString:
		r.end = docID(o.End)
	case !o.Descending:
		r.empty = true
	}
	return r.checked(o.Descending)
}

func docID(k *viewparams.Key) *couch.DocID {
	id := couch.DocID(k.ID)
	return &id
}

// checked finds out whether the end comes before the start.
func (r idRange) checked(descending bool) idRange {
	if r.start != nil && r.end != nil && *r.start != *r.end && (*r.start > *r.end) != descending {
		r.empty = true
	}
	return r
}

// within cuts the range to the ids from first to last.
func (r idRange) within(first, last couch.DocID, descending bool) idRange {
	if descending {
		first, last = last, first
	}
	before := func(a, b couch.DocID) bool { return a != b && (a < b) != descending }
	if r.start == nil || before(*r.start, first) {
		r.start = &first
	}
	if r.end == nil || before(last, *r.end) {
		r.end = &last
	}
	return r.checked(descending)
}

// options are the storage's options for the range.
func (r idRange) options(o *viewparams.Params) couch.AllDocsOptions {
	return couch.AllDocsOptions{
		Start: r.start, End: r.end, ExclusiveEnd: o.ExclusiveEnd, Descending: o.Descending,
		Skip: o.Skip, Limit: o.Limit,
		IncludeDocs: o.IncludeDocs, Doc: o.DocOptions(),
	}
}
