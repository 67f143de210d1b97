package funcerr

import (
	"context"
	"errors"
	"time"

	"settle/storage/couch"
)

// Failure is of an update that fails in the same way as long as the database is as it
// was. The zero value is of none.
type Failure struct {
	Err      error
	seq      couch.Seq
	purgeSeq uint64
	until    time.Time // when it may be tried again all the same; zero: not at all
}

// rest is how long functions that have failed are not tried again on a
// database that has not changed: what ran out of its time on a busy machine may not
// the next time.
const rest = time.Minute

// FailureOf returns what is to be remembered of an error of an update.
func FailureOf(info couch.DatabaseInfo, err error) Failure {
	f := Failure{Err: err, seq: info.UpdateSeq, purgeSeq: info.PurgeSeq}
	switch {
	case isReduction(err):
		return f
	case Is(err) && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded):
		f.until = time.Now().Add(rest)
		return f
	}
	return Failure{}
}

// Holds reports whether there is a failure, and the database is as it was.
func (f Failure) Holds(info couch.DatabaseInfo) bool {
	return f.Err != nil && f.seq == info.UpdateSeq && f.purgeSeq == info.PurgeSeq &&
		(f.until.IsZero() || time.Now().Before(f.until))
}

// Loggable returns an error as a log may show it: the errors of functions and
// reductions tell what is in documents.
func Loggable(err error) error {
	switch {
	case isReduction(err):
		return errReduction
	case Is(err):
		return errFunction
	}
	return err
}

var (
	errReduction = errors.New("a value cannot be reduced")
	errFunction  = errors.New("a function has failed")
)

func isReduction(err error) bool { return errors.Is(err, &couch.Error{Kind: couch.InvalidReduction}) }
