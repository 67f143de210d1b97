package kv

// Tables are small, and the levels above the last as well: a compaction of one
// table into the next level, or of the newest tables into the first, stays within
// a small multiple of MemTableBytes, whatever the store holds.
const (
	// tablesPerMemTable: a table is this part of a memtable.
	tablesPerMemTable = 8
	// minTable keeps tables of small memtables from being tiny.
	minTable = 512 << 10
	// mergeTables is the number of tables in the largest compaction between two
	// levels: one, the ten that Pebble lets it overlap, and those at the ends.
	mergeTables = 16
)

// tableBytes returns the size that tables are written in.
func tableBytes(memTable int64) int64 { return max(memTable/tablesPerMemTable, minTable) }

// debt is what the engine has still to write, in bytes.
type debt struct {
	unflushed uint64 // in the log and not in tables
	merge     uint64 // what the largest compaction writes at most
	obsolete  uint64 // in tables that are about to be removed
}

// owed tells what flushes and compactions have still to write.
func (s *Pebble) owed() debt {
	if !s.guard.armed.Load() {
		return debt{}
	}
	m := s.db.Metrics()
	levels := m.Levels
	merge, below := uint64(levels[0].TablesSize), uint64(0)
	first := true
	for _, level := range levels[1:] {
		switch size := uint64(level.TablesSize); {
		case size == 0:
		case first: // all of the newest tables go into it at once
			merge += size
			below, first = size, false
		default:
			below += size
		}
	}
	return debt{
		unflushed: m.WAL.Size,
		merge:     max(merge, min(below, mergeTables*uint64(s.table))),
		obsolete:  m.Table.Local.ObsoleteSize,
	}
}
