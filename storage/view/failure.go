package view

import (
	"context"
	"errors"
	"time"

	"settle/storage/couch"
	"settle/storage/view/funcerr"
)

// failure is of an update that fails in the same way as long as the database is as it
// was.
type failure struct {
	seq      couch.Seq
	purgeSeq uint64
	err      error
	until    time.Time // when it may be tried again all the same; zero: not at all
}

// functionRest is how long functions that have failed are not tried again on a
// database that has not changed: what ran out of its time on a busy machine may not
// the next time.
const functionRest = time.Minute

// failureOf returns what is to be remembered of an error.
func failureOf(info couch.DatabaseInfo, err error) failure {
	f := failure{seq: info.UpdateSeq, purgeSeq: info.PurgeSeq, err: err}
	switch {
	case isReduction(err):
		return f
	case funcerr.Is(err) && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded):
		f.until = time.Now().Add(functionRest)
		return f
	}
	return failure{}
}

// holds reports whether the database is as it was.
func (f failure) holds(info couch.DatabaseInfo) bool {
	return f.err != nil && f.seq == info.UpdateSeq && f.purgeSeq == info.PurgeSeq &&
		(f.until.IsZero() || time.Now().Before(f.until))
}

// loggable returns an error as a log may show it: the errors of functions and
// reductions tell what is in documents.
func loggable(err error) error {
	switch {
	case isReduction(err):
		return errReduction
	case funcerr.Is(err):
		return errFunction
	}
	return err
}

var (
	errReduction = errors.New("a value cannot be reduced")
	errFunction  = errors.New("a function has failed")
)

func isReduction(err error) bool { return errors.Is(err, &couch.Error{Kind: couch.InvalidReduction}) }
