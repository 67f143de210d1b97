// Package replication copies the revisions of one database to another, as CouchDB's
// replicator does: the changes of a Source are read, the Target says which revisions
// it lacks, and those are fetched and written, histories and all.
//
// A Replication is one run of that. It ends when the source has no more changes, or
// goes on until it is stopped where it is continuous. How far it came stands in a
// checkpoint, a local document of the same name on both sides, so that the next run
// goes on from there; id, place and form are those of CouchDB's version 4, so that
// either server takes up what the other began.
//
// # What a checkpoint claims
//
// A sequence is recorded when every change up to it has been written, or was refused
// by the target for good, and the target has said that what it acknowledged is on
// disk. A crash at any place costs the work since the last checkpoint.
//
// # Sides
//
// A Local is a database of this process: documents pass as they are stored, without
// HTTP or JSON. A Remote is one behind HTTP, reached through kivik, and by plain
// requests for what kivik has no words for.
package replication
