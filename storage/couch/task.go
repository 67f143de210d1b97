package couch

import "time"

// Task is work that goes on in the background, as `_active_tasks` lists it.
type Task struct {
	Type             string // one of the Task constants
	Database         string
	Started, Updated time.Time
	Done, Total      int64 // changes
	DesignDocument   DocID // of an index that is built
}

// TaskCompaction is the type of a database's compaction.
const TaskCompaction = "database_compaction"

// TaskIndexer is the type of an index's update.
const TaskIndexer = "indexer"

// Progress returns how much of the task is done, in percent.
func (t Task) Progress() int {
	if t.Total <= 0 {
		return 0
	}
	return int(min(t.Done, t.Total) * 100 / t.Total)
}
