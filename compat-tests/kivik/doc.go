// Package kivik runs kivik's own test suites (kiviktest/client and
// kiviktest/db of github.com/go-kivik/kivik/v4) against the settle binary,
// with a [Profile] that expects what CouchDB 3.5 answers on a single node.
//
// The suites report through package testing only. They therefore run in a
// child process, whose output [ParseOutcomes] reads; [Judge] weighs every
// subtest against pending.json, the list of those that wait for a feature. A
// subtest that fails must be listed there, and one that is listed must fail.
package kivik
