package server

import (
	"slices"
	"time"

	"settle/server/node"
	"settle/storage/couch"
	"settle/storage/view"
)

// allTasks is what is told of the server itself, with the tasks of indexes among the
// store's own.
type allTasks struct {
	node.Store
	indexes *view.Indexes
}

// Tasks returns all tasks, in the order in which they began.
func (t allTasks) Tasks() []couch.Task {
	all := append(t.Store.Tasks(), t.indexes.Tasks()...)
	slices.SortStableFunc(all, func(a, b couch.Task) int { return time.Time.Compare(a.Started, b.Started) })
	return all
}
