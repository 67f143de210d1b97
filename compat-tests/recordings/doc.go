// Package recordings plays recorded HTTP exchanges against a server and
// compares its answers with what Apache CouchDB 3.5.0 answered.
//
// A [Scenario] is one recorded file; testdata/recordings/FORMAT.md beside this
// package tells what it holds and which differences count. [Player] sends its
// requests byte for byte as recorded and collects an [Answer] for each;
// [Compare] lists the differences that count; [Judge] weighs them against the
// two lists of exchanges that need not agree: pending features and the
// deliberate differences of QUIRKS.md.
package recordings
