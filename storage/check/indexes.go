package check

import (
	"bytes"
	"context"

	"settle/storage/kv"
	"settle/storage/schema"
)

// indexes checks that every index of a database has a partition of its own, which
// begins with its head. What else is in it, package view knows.
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
	head, err := c.get(ctx, p, schema.IndexHeadKey())
	if err == nil && !bytes.Equal(head, schema.IndexHead()) {
		c.find(name, "index %q does not begin with its head", index)
	}
	return err
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
