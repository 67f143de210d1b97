package scheduler

import (
	"context"
	"time"

	"settle/replication"
)

// Job is a replication to run. Its fields are not changed once it is added.
type Job struct {
	ID   string // Spec.JobID
	Spec *replication.Spec
	User string // whose rights it has; empty: the server's, for a document

	Database, DocID string // of the document that asks for it; empty: none

	// Make makes a run. It is called in front of each.
	Make func() (Run, error)
	// Finished is told of the end of each run that ends by itself; failures is how many
	// have failed in a row, this one included. It says whether the job is to go on: one
	// that ended without error never does.
	Finished func(result *replication.Result, err error, failures int) (again bool)
}

// Run is one run of a job; a [replication.Replication] is one.
type Run interface {
	Run(ctx context.Context) (*replication.Result, error)
	Progress() replication.Progress
}

// EventType says what happened to a job.
type EventType string

// The types, by CouchDB's names.
const (
	Added   EventType = "added"
	Started EventType = "started"
	Stopped EventType = "stopped"
	Crashed EventType = "crashed"
)

// Event is a line of a job's history.
type Event struct {
	Time   time.Time
	Type   EventType
	Reason string // of a crash
}

// State is what a job is doing.
type State string

// The states, by CouchDB's names.
const (
	Running  State = "running"
	Pending  State = "pending"  // it waits for its turn
	Crashing State = "crashing" // it failed, and waits to be tried again
)

// Status describes a job.
type Status struct {
	*Job
	State    State
	History  []Event               // newest first
	Added    time.Time             // when it was added
	Started  time.Time             // its last run; zero: none yet
	Updated  time.Time             // when its state changed
	Failures int                   // in a row
	Reason   string                // of the last failure
	Progress *replication.Progress // of the run, or of the last one; nil: none has begun
}
