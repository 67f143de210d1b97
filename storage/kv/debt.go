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
	// levelMultiplier is by how much a level is larger than the one above.
	levelMultiplier = 10
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
	sizes := make([]uint64, len(m.Levels))
	for i, level := range m.Levels {
		sizes[i] = uint64(level.TablesSize)
	}
	return debt{
		unflushed: m.WAL.Size,
		merge:     largestMerge(sizes, uint64(s.firstLevel), uint64(s.table)),
		obsolete:  m.Table.Local.ObsoleteSize,
	}
}

// largestMerge returns how much a compaction writes at most where the levels hold
// so much. firstLevel is LBaseMaxBytes, table the size of tables.
func largestMerge(levels []uint64, firstLevel, table uint64) uint64 {
	first, below := 0, uint64(0)
	for i, size := range levels[1:] {
		if size > 0 && first == 0 {
			first = i + 1
		}
		below += size
	}
	merge := levels[0] // all of the newest tables at once
	if first > 0 && !grown(levels, first, firstLevel) {
		merge += levels[first]
		below -= levels[first]
	}
	return max(merge, min(below, mergeTables*table))
}

// grown reports whether the newest tables go to an empty level above the first
// that holds any: as pebble.compactionPickerByScore.initLevelMaxBytes has it.
func grown(levels []uint64, first int, firstLevel uint64) bool {
	all := uint64(0)
	for _, size := range levels {
		all += size
	}
	size := all - all/levelMultiplier // of the last level, as it should be
	for range len(levels) - 1 - first {
		size /= levelMultiplier
	}
	return first > 1 && size > firstLevel
}
