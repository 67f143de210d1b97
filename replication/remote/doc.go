// Package remote reaches databases behind HTTP: CouchDB, PouchDB Server, or another
// settle. A Remote is a source and a target of replications.
//
// It speaks through kivik's driver for CouchDB, and by requests of its own where kivik
// has no words, or would hold what has to pass as a stream. Connections go only where
// a Guard lets them, whatever names resolve to and wherever a peer redirects.
package remote
