package storage

// EventType is what has become of a database.
type EventType string

// The types, by the names that CouchDB's `_db_updates` has for them.
const (
	DatabaseCreated EventType = "created"
	DatabaseUpdated EventType = "updated" // its update sequence has grown
	DatabaseDeleted EventType = "deleted"
)

// OnEvent lets a function be told what becomes of databases, once it is durable, until
// remove is called. It is called by many goroutines at a time and must not wait for
// anything. What happens to one database is told in the order of the calls that did it,
// where they followed each other.
func (s *Store) OnEvent(fn func(t EventType, database string)) (remove func()) {
	return s.listeners.Add(fn)
}

func (s *Store) tell(t EventType, database string) {
	s.listeners.Each(func(fn func(EventType, string)) { fn(t, database) })
}
