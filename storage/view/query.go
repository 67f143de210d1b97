package view

import (
	"bytes"
	"context"
	"iter"

	"settle/storage/collate"
	"settle/storage/couch"
	"settle/storage/view/viewrow"
)

// UpdateMode says whether a query brings the index up to date.
type UpdateMode int

// The modes; the zero value waits for the update.
const (
	UpdateTrue  UpdateMode = iota // before the query
	UpdateFalse                   // not at all
	UpdateLazy                    // behind the query
)

// Query says which rows of a view to give. The zero value gives no rows: Limit is how
// many at most, negative for all. Keys are JSON texts; nil stands for an option that
// is not given. `key` is a Start and an End that are equal.
//
// Of CouchDB's options `sorted` and `stable` change nothing: rows are always in order,
// and there is one copy of an index.
type Query struct {
	Keys             [][]byte // where not nil, the keys to look up, in this order
	Start, End       []byte
	StartDoc, EndDoc *couch.DocID // with Start and End
	ExclusiveEnd     bool
	Descending       bool
	Skip, Limit      int64
	Reduce           *bool // nil: where the view has a reduce function
	Group            bool
	GroupLevel       int64  // with Group it does not count
	Partition        string // of an index with partitions
	Update           UpdateMode
	Uncounted        bool // TotalRows and Offset are not wanted
	IncludeDocs      bool
	Doc              couch.GetOptions // what IncludeDocs adds to documents
	Docs             Docs             // where IncludeDocs finds them
}

// Docs reads the documents that a query includes: as those who ask may see them.
type Docs interface {
	AllDocsByID(ctx context.Context, ids []couch.DocID, o couch.AllDocsOptions) iter.Seq2[couch.AllDocsRow, error]
	Get(ctx context.Context, id couch.DocID, o couch.GetOptions) (*couch.Document, error)
}

// Row is a row of an answer. One of a reduction has no ID, its Key is nil where it is
// of all rows, and it may hold an error in place of its value.
type Row struct {
	ID            couch.DocID
	Key, Value    []byte // JSON
	Error, Reason string
	Doc           *couch.Document // with IncludeDocs; nil where there is none
}

// Result is the answer to a query. Rows can be read once, and reads on while it is
// read: it holds nothing between two pages.
type Result struct {
	Reduced           bool
	TotalRows, Offset int64 // where it is not Reduced
	Seq               couch.Seq
	// Tag changes with the rows of the view: two equal ones are of equal rows.
	Tag  string
	Rows iter.Seq2[Row, error]
}

// reduces reports whether a query of a view reduces.
func (q *Query) reduces(ref Ref) bool { return ref.Reduce >= 0 && (q.Reduce == nil || *q.Reduce) }

// grouped reports whether a reduction is by groups, and by how many elements of the
// keys, or, where that is negative, by whole keys.
func (q *Query) grouped() (level int64, ok bool) {
	if q.Group {
		return -1, true
	}
	return q.GroupLevel, q.GroupLevel > 0
}

func queryError(reason string) error { return &couch.Error{Kind: couch.QueryParse, Reason: reason} }

// Validate checks a query of a view of a definition. Errors are of the kinds
// QueryParse, BadRequest and IllegalPartition. Source: couch_mrview_util:validate_args.
func (q *Query) Validate(d *Definition, ref Ref) error {
	if err := q.validateReduce(ref); err != nil {
		return err
	}
	switch {
	case len(q.Keys) > 0 && (q.Start != nil || q.End != nil):
		return queryError("`keys` is incompatible with `key`, `start_key` and `end_key`")
	case q.Skip < 0:
		return queryError("`skip` must be >= 0")
	case q.Partition != "" && !d.Partitioned:
		return queryError("`partition` parameter is not supported in this design doc")
	case q.Partition == "" && d.Partitioned:
		return queryError("`partition` parameter is mandatory for queries to this view.")
	}
	if d.Partitioned {
		if err := couch.ValidatePartition(q.Partition); err != nil {
			return err
		}
	}
	return q.validateRange(viewrow.Space{Raw: d.Views[ref.View].Raw})
}

func (q *Query) validateReduce(ref Ref) error {
	level, grouped := q.grouped()
	switch {
	case ref.Reduce < 0 && q.Reduce != nil && *q.Reduce:
		return queryError("Reduce is invalid for map-only views.")
	case q.GroupLevel < 0:
		return queryError("`group_level` must be >= 0")
	case !q.reduces(ref) && grouped:
		return queryError("Invalid use of grouping on a map view.")
	case !q.reduces(ref):
		return nil
	case q.Keys != nil && level >= 0:
		return queryError("Multi-key fetches for reduce views must use `group=true`")
	case q.IncludeDocs:
		return queryError("`include_docs` is invalid for reduce")
	case q.Doc.Conflicts:
		return queryError("`conflicts` is invalid for reduce views.")
	}
	return nil
}

// validateRange checks the keys, and that the range does not go the wrong way. As in
// CouchDB that is not looked at where the keys are the same.
func (q *Query) validateRange(s viewrow.Space) error {
	for _, key := range append([][]byte{q.Start, q.End}, q.Keys...) {
		if key == nil {
			continue
		}
		if _, err := collate.AppendKey(nil, key); err != nil {
			return couch.Errorf(couch.BadRequest, "invalid UTF-8 JSON")
		}
	}
	if q.Start == nil || q.End == nil || q.Keys != nil || bytes.Equal(q.Start, q.End) {
		return nil
	}
	compare := collate.Compare
	if s.Raw {
		compare = collate.CompareRaw
	}
	order := compare(q.Start, q.End)
	if order == 0 && q.StartDoc != nil && q.EndDoc != nil && *q.StartDoc != *q.EndDoc {
		order = 1
		if *q.StartDoc < *q.EndDoc {
			order = -1
		}
	}
	switch {
	case !q.Descending && order > 0:
		return queryError("No rows can match your key range, reverse your start_key and end_key or set descending=true")
	case q.Descending && order < 0:
		return queryError("No rows can match your key range, reverse your start_key and end_key or set descending=false")
	}
	return nil
}
