package check

import (
	"context"

	"settle/storage/crypt"
	"settle/storage/kv"
	"settle/storage/schema"
)

// directory reads the rows of the directory, and remembers the partitions.
func (c *checker) directory(ctx context.Context) error {
	var highest uint64
	for row, err := range c.rows(ctx, schema.DirectoryPartition, kv.Range{}) {
		if err != nil {
			return err
		}
		if string(row.Key) == string(schema.CounterKey()) {
			if c.counter, err = schema.DecodeCounter(row.Value); err != nil {
				c.find("", "the directory's counter cannot be read")
			}
			continue
		}
		if p, ok := c.entry(row); ok {
			c.known[p] = true
			highest = max(highest, schema.PartitionNumber(p))
		}
	}
	if highest > c.counter {
		c.find("", "the directory has given out partition %d, but counts only %d", highest, c.counter)
	}
	return nil
}

// entry returns the partition that a row of the directory names.
func (c *checker) entry(row kv.KV) (p kv.Partition, ok bool) {
	name := ""
	if p, ok = schema.ParseUnreadyKey(row.Key); !ok {
		if row.Key[0] != schema.KindName {
			c.find("", "the directory has a row of no known kind")
			return p, false
		}
		name = string(row.Key[1:])
		rec, err := schema.DecodeDBRecord(row.Value)
		if err != nil {
			c.find(name, "its directory row cannot be read")
			return p, false
		}
		p = rec.Partition
	}
	if name == "" {
		c.unready[p] = true
		if _, err := schema.DecodeUnready(row.Value); err != nil {
			c.find("", "the mark on partition %d cannot be read", schema.PartitionNumber(p))
		}
	}
	if c.known[p] {
		c.find(name, "shares its partition with another database")
	}
	if schema.PartitionNumber(p) < schema.FirstDatabase {
		c.find(name, "partition %d is no database's", schema.PartitionNumber(p))
	}
	return p, true
}

// databases checks every database that the directory names.
func (c *checker) databases(ctx context.Context) error {
	for row, err := range c.rows(ctx, schema.DirectoryPartition, schema.All(schema.KindName)) {
		if err != nil {
			return err
		}
		rec, err := schema.DecodeDBRecord(row.Value)
		if err != nil {
			continue // found above
		}
		c.counts.Databases++
		name := string(row.Key[1:])
		if err := c.indexes(ctx, name, rec.Partition); err != nil {
			return err
		}
		if err := c.damage(name, "it", c.database(ctx, name, rec.Partition)); err != nil {
			return err
		}
	}
	return nil
}

// database opens a database's key and its meta row, and checks the rest.
func (c *checker) database(ctx context.Context, name string, p kv.Partition) error {
	wrapped, err := c.get(ctx, schema.KeysPartition, p[:])
	if err != nil {
		return err
	}
	if wrapped == nil {
		c.find(name, "its key is missing")
		return nil
	}
	key, err := c.options.Keyring.OpenDatabaseKey(crypt.DatabaseID(p), wrapped)
	if err != nil {
		return c.damage(name, "its key", schema.DomainError(err))
	}
	row, err := c.get(ctx, p, schema.MetaKey())
	if err != nil {
		return err
	}
	if row == nil {
		c.find(name, "its meta row is missing")
		return nil
	}
	meta, err := schema.DecodeMeta(row)
	if err != nil {
		return c.damage(name, "its meta row", err)
	}
	d := &database{
		checker: c, name: name, partition: p, key: key, meta: meta,
		blobs: c.blobs.Database(p, key, []byte{schema.KindBlob}).
			Deduplicating([]byte{schema.KindContent}, []byte{schema.KindStart}, nil).Uploading([]byte{schema.KindUpload}),
		count: make(map[schema.SeqBlock]int64),
	}
	return d.run(ctx)
}

// keys looks for keys that belong to no database.
func (c *checker) keys(ctx context.Context) error {
	for row, err := range c.rows(ctx, schema.KeysPartition, kv.Range{}) {
		if err != nil {
			return err
		}
		if len(row.Key) != len(kv.Partition{}) || !c.known[kv.Partition(row.Key)] {
			c.find("", "a database key belongs to no database")
		}
	}
	return nil
}

// partitions looks for partitions that belong to no database.
func (c *checker) partitions(ctx context.Context) error {
	var last kv.Partition
	for {
		page, err := c.options.KV.Partitions(ctx, last, kv.PageRows)
		if err != nil {
			return schema.DomainError(err)
		}
		for _, p := range page {
			if !c.known[p] && schema.PartitionNumber(p) >= schema.FirstDatabase {
				c.find("", "partition %d belongs to no database", schema.PartitionNumber(p))
			}
		}
		if len(page) < kv.PageRows {
			return nil
		}
		last = page[len(page)-1]
	}
}
