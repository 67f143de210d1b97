// Package changes serves `_changes`: the feeds normal, longpoll, continuous and
// eventsource.
//
// A feed shows every change once, in the order of the sequences, and only what is
// durable. It reads what is there, then waits in its handler's goroutine for the
// next commit; while it waits it holds a timer and no buffer. A client that reads
// slowly holds back nobody but itself.
//
// A feed that waits ends cleanly, with `last_seq`, at its limit or timeout, when
// its database is deleted and when the server shuts down.
package changes
