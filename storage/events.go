package storage

import "slices"

// EventType is what has become of a database.
type EventType string

// The types, by the names that CouchDB's `_db_updates` has for them.
const (
	DatabaseCreated EventType = "created"
	DatabaseUpdated EventType = "updated" // its update sequence has grown
	DatabaseDeleted EventType = "deleted"
)

// listener is told what becomes of databases.
type listener func(t EventType, database string)

// OnEvent lets a function be told what becomes of databases, once it is durable, until
// remove is called. It is called by many goroutines at a time and must not wait for
// anything. What happens to one database is told in the order of the calls that did it,
// where they followed each other.
func (s *Store) OnEvent(fn func(t EventType, database string)) (remove func()) {
	added := listener(fn)
	s.changeListeners(func(all []*listener) []*listener { return append(slices.Clip(all), &added) })
	return func() {
		s.changeListeners(func(all []*listener) []*listener {
			return slices.DeleteFunc(slices.Clone(all), func(l *listener) bool { return l == &added })
		})
	}
}

// changeListeners replaces the listeners, whose list is never changed in place.
func (s *Store) changeListeners(change func([]*listener) []*listener) {
	for {
		old := s.listeners.Load()
		var all []*listener
		if old != nil {
			all = *old
		}
		all = change(all)
		if s.listeners.CompareAndSwap(old, &all) {
			return
		}
	}
}

func (s *Store) tell(t EventType, database string) {
	all := s.listeners.Load()
	if all == nil {
		return
	}
	for _, l := range *all {
		(*l)(t, database)
	}
}
