package check

import (
	"bytes"
	"context"
	"fmt"

	"settle/storage/kv"
	"settle/storage/schema"
)

// indexes checks that every index of a database has a partition of its own, which
// begins with its head, that all rows in it can be read, and that a view's rows are
// those that its documents name. What they say, package view knows.
func (c *checker) indexes(ctx context.Context, name string, p kv.Partition) error {
	for row, err := range c.rows(ctx, p, schema.All(schema.KindIndex)) {
		if err != nil {
			return err
		}
		index, err := schema.DecodeIndexRow(row.Value)
		if err != nil {
			c.find(name, "the row of index %q cannot be read", row.Key[1:])
			continue
		}
		if err := c.index(ctx, name, row.Key[1:], index); err != nil {
			return err
		}
	}
	return nil
}

func (c *checker) index(ctx context.Context, name string, index []byte, p kv.Partition) error {
	n := schema.PartitionNumber(p)
	switch {
	case n < schema.FirstDatabase || n > c.counter:
		c.find(name, "partition %d is none of index %q", n, index)
	case c.indexed[p] || c.known[p] && !c.unready[p]:
		c.find(name, "index %q shares its partition with another", index)
		return nil
	}
	c.known[p], c.indexed[p] = true, true
	what := fmt.Sprintf("index %q", index)
	head, err := c.get(ctx, p, schema.IndexHeadKey())
	if err == nil && !bytes.Equal(head, schema.IndexHead()) {
		c.find(name, "%s does not begin with its head", what)
		return nil
	}
	if err == nil {
		err = c.indexRows(ctx, name, string(index), p)
	}
	return c.damage(name, what, err)
}

// indexRows reads every row of an index: what is sealed of it opens, or that is the error.
func (c *checker) indexRows(ctx context.Context, name, index string, p kv.Partition) error {
	find := func(format string, args ...any) {
		c.find(name, "index %q "+format, append([]any{index}, args...)...)
	}
	view := newViewRows(index)
	for row, err := range c.rows(ctx, p, kv.Range{}) {
		switch {
		case err != nil:
			return err
		case bytes.Equal(row.Key, schema.IndexHeadKey()):
		case bytes.Compare(row.Key, schema.FirstIndexKey()) < 0:
			find("has a row that is not its own")
		default:
			view.add(row)
		}
	}
	view.findings(find)
	return nil
}

// leftIndexes finds the indexes of databases that are half dropped, which the next
// start drops with them.
func (c *checker) leftIndexes(ctx context.Context) error {
	for p := range c.unready {
		for row, err := range c.rows(ctx, p, schema.All(schema.KindIndex)) {
			if err != nil {
				return err
			}
			if index, err := schema.DecodeIndexRow(row.Value); err == nil {
				c.known[index] = true
			}
		}
	}
	return nil
}
