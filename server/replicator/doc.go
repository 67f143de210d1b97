// Package replicator serves what CouchDB's replicator serves: `_replicate`, the
// documents of `_replicator` databases, and `_scheduler`.
//
// Documents are followed as they change. What they ask for is a job of the scheduler,
// which finds in the checkpoints of the databases how far it came, so that nothing has
// to be kept here over a restart. A document of a replication that ended, or that
// cannot be, says so itself, in members that begin with `_replication_`.
//
// Who may what: a replication that an administrator asks for may go anywhere. Another
// user's reaches local databases with the user's own rights, and other servers only
// where the configuration lets everybody.
package replicator
