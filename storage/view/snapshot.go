package view

import (
	"context"
	"encoding/hex"
	"errors"
	"strconv"

	"settle/storage/couch"
	"settle/storage/kv"
	"settle/storage/view/redtree"
	"settle/storage/view/viewrow"
)

// snapshot is a view as a query finds it.
type snapshot struct {
	ix   *Index
	p    kv.Partition
	ref  Ref
	keys viewrow.Space
	head *head
}

func (ix *Index) snapshot(ctx context.Context, ref Ref) (*snapshot, error) {
	p, err := ix.partition(ctx)
	if err != nil {
		return nil, err
	}
	s := &snapshot{ix: ix, p: p, ref: ref, keys: ix.keys(ref.View)}
	return s, s.refresh(ctx)
}

func (s *snapshot) refresh(ctx context.Context) (err error) {
	s.head, err = s.ix.readHead(ctx, s.p)
	return err
}

func (s *snapshot) view(ctx context.Context, fn func(kv.Reader) error) error {
	return s.ix.indexView(ctx, s.p, fn)
}

func (s *snapshot) rows() int64 { return s.head.Views[s.ref.View].Rows }

// tag names the state of the view's rows.
func (s *snapshot) tag() string {
	return s.ix.signature + "-" + hex.EncodeToString(s.head.Seed[:8]) + "-" + strconv.FormatUint(s.head.Views[s.ref.View].Changed, 10)
}

func (s *snapshot) tree() *redtree.Tree { return s.ix.tree(s.head, s.ref.View) }

// operation is one on the view's tree.
type operation func(t *redtree.Tree, state redtree.State) error

// stable runs an operation on the tree. Where the index changes meanwhile, it runs
// again in the new state; in the end, and where there are no summaries, on the rows
// alone, which may change.
func (s *snapshot) stable(ctx context.Context, op operation) error {
	for range maxRestarts {
		if !s.head.Kept {
			break
		}
		err := op(s.tree(), redtree.State{View: s.ix.viewAt(s.p, s.head), Root: s.head.Views[s.ref.View].Root})
		if !errors.Is(err, errChanged) {
			return err
		}
		if err := s.refresh(ctx); err != nil {
			return err
		}
	}
	return op(s.tree(), redtree.State{View: s.view})
}

func (s *snapshot) count(ctx context.Context, in redtree.Span) (n int64, err error) {
	err = s.stable(ctx, func(t *redtree.Tree, state redtree.State) error {
		n, err = t.Count(ctx, state, in)
		return err
	})
	return n, err
}

// reduce returns how many rows a span has, and their state.
func (s *snapshot) reduce(ctx context.Context, in redtree.Span) (rows int64, state []byte, err error) {
	err = s.stable(ctx, func(t *redtree.Tree, at redtree.State) error {
		rows, state, err = t.Reduce(ctx, at, in, s.ref.Reduce)
		return err
	})
	return rows, state, err
}

// begin returns the view that a query asks, up to date as it wants it.
func (ix *Index) begin(ctx context.Context, ref Ref, q *Query) (*snapshot, error) {
	if ref.View < 0 || ref.View >= len(ix.definition.Views) || ref.Reduce >= len(ix.definition.Views[ref.View].Reduces) {
		return nil, couch.Errorf(couch.NotFound, "missing_named_view")
	}
	if err := q.Validate(ix.definition, ref); err != nil {
		return nil, err
	}
	if q.Update == UpdateTrue {
		if err := ix.Update(ctx); err != nil {
			return nil, err
		}
	}
	s, err := ix.snapshot(ctx, ref)
	if err != nil {
		return nil, err
	}
	if q.Update == UpdateLazy {
		err = ix.UpdateLater(ctx)
	}
	return s, err
}

// Count returns how many rows a query has before Skip, Limit and reductions, and
// reads few of them. Errors: those of Query.
func (ix *Index) Count(ctx context.Context, ref Ref, q *Query) (int64, error) {
	s, err := ix.begin(ctx, ref, q)
	if err != nil {
		return 0, err
	}
	ranges, err := s.ranges(q)
	var total int64
	for _, b := range ranges {
		var n int64
		if err == nil {
			n, err = s.count(ctx, b)
		}
		total += n
	}
	return total, err
}

// Query answers a query of a view of the index. Errors: those of Query.Validate and
// Update; rows may yield others of the database.
func (ix *Index) Query(ctx context.Context, ref Ref, q *Query) (*Result, error) {
	s, err := ix.begin(ctx, ref, q)
	if err != nil {
		return nil, err
	}
	res := &Result{Reduced: q.reduces(ref), Seq: s.head.Seq, Tag: s.tag()}
	if res.Reduced {
		res.Rows = s.reduced(ctx, q)
		return res, nil
	}
	if !q.Uncounted {
		res.TotalRows = s.rows()
	}
	if res.Offset, res.Rows, err = s.mapped(ctx, q); err != nil {
		return nil, err
	}
	if q.IncludeDocs && q.Docs != nil {
		res.Rows = withDocs(ctx, q, res.Rows)
	}
	return res, nil
}
