package kv

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/objstorage/objstorageprovider"
	"github.com/cockroachdb/pebble/v2/sstable"
)

// A commit of this part of a memtable, or more, is worth tables of its own.
const bulkPerMemTable = 16

// fitsTables reports whether a transaction can be written past the log: it is large and
// deletes nothing. Near the end of the disk the log comes first, whose needs are known.
func (s *Pebble) fitsTables(t *tx) bool {
	return !t.cuts && t.batch.Len() >= s.minBulk && !s.space.near.Load()
}

// errQueue: memtables wait to be flushed. Pebble would hold this commit, and every one
// behind it, until they are.
var errQueue = errors.New("memtables wait for a flush")

// ingest writes the rows of a batch past the log, durably and all at once, and returns a
// batch of what is left for the log: the engine's own row. Where the rows cannot be
// written so, that is all of it.
func (s *Pebble) ingest(b *pebble.Batch) *pebble.Batch {
	s.bulk.Lock()
	defer s.bulk.Unlock()
	tables, left, err := s.stage(b)
	if err == nil {
		s.syncLog() // no later commit is durable without a lazy one
		err = s.health.failure()
	}
	if err == nil && s.db.Metrics().MemTable.Count >= maxMemTables {
		err = errQueue
	}
	if err == nil {
		err = s.db.Ingest(context.Background(), tables)
	}
	if err == nil {
		_ = b.Close()
		return left
	}
	for _, name := range tables {
		_ = s.guard.Remove(name)
	}
	s.logger.Debug("a large commit goes through the log", "error", err)
	return b
}

// stage makes tables, in memory, of a batch that only sets rows, and a batch of the rows
// that are the engine's own: they are written anew with every commit, and so are in the
// memtable, which Pebble would have to flush first. The caller holds s.bulk.
func (s *Pebble) stage(b *pebble.Batch) (names []string, own *pebble.Batch, err error) {
	rows, err := sortedRows(b)
	own = s.db.NewBatch()
	for err == nil && len(rows) > 0 && rows[0].Key[0] != tagData {
		err = own.Set(rows[0].Key, rows[0].Value, nil)
		rows = rows[1:]
	}
	for err == nil && len(rows) > 0 {
		n := s.tableOf(rows)
		name := fmt.Sprintf("%s%d", stagedPrefix, len(names))
		names = append(names, name)
		err = s.writeTable(name, rows[:n])
		rows = rows[n:]
	}
	return names, own, err
}

// sortedRows returns the rows of a batch, ascending, of each key the last.
func sortedRows(b *pebble.Batch) ([]KV, error) {
	rows := make([]batchRow, 0, b.Count())
	for r := b.Reader(); ; {
		kind, key, value, ok, err := r.Next()
		if err != nil {
			return nil, err
		}
		if !ok {
			break
		}
		if kind != pebble.InternalKeyKindSet {
			return nil, errors.New("a batch of rows has something else")
		}
		rows = append(rows, batchRow{KV{key, value}, len(rows)})
	}
	slices.SortFunc(rows, func(a, b batchRow) int {
		return cmp.Or(bytes.Compare(a.Key, b.Key), b.at-a.at)
	})
	out := make([]KV, 0, len(rows))
	for i, row := range rows {
		if i == 0 || !bytes.Equal(row.Key, rows[i-1].Key) {
			out = append(out, row.KV)
		}
	}
	return out, nil
}

// batchRow is a row, and which of its batch.
type batchRow struct {
	KV
	at int
}

// tableOf returns how many of the first rows make a table: as many as compactions put
// into one.
func (s *Pebble) tableOf(rows []KV) int {
	size := 0
	for i, row := range rows {
		if size += len(row.Key) + len(row.Value); i > 0 && int64(size) > s.table {
			return i
		}
	}
	return len(rows)
}

func (s *Pebble) writeTable(name string, rows []KV) error {
	f, err := s.guard.staged.Create(name, bulkCategory)
	if err != nil {
		return err
	}
	w := sstable.NewWriter(objstorageprovider.NewFileWritable(f), s.format)
	for _, row := range rows {
		if err = w.Set(row.Key, row.Value); err != nil {
			break
		}
	}
	return errors.Join(err, w.Close())
}
