package schema

import (
	"errors"
	"fmt"

	"settle/storage/couch"
	"settle/storage/crypt"
	"settle/storage/kv"
)

// Corrupt returns the error, of kind couch.Corrupt, that a row makes no sense.
// what names the kind of row, never its key.
func Corrupt(what string) error {
	return &couch.Error{Kind: couch.Corrupt, Reason: couch.ErrCorrupt.Reason, Err: fmt.Errorf("storage: bad %s", what)}
}

// DomainError turns the errors of kv and crypt into those of couch, which wrap
// them: NoSpace, RequestTooLarge, Unavailable, Corrupt. Others, and nil, it returns as they are.
func DomainError(err error) error {
	var known *couch.Error
	switch {
	case err == nil, errors.As(err, &known):
		return err
	case errors.Is(err, kv.ErrNoSpace):
		return &couch.Error{Kind: couch.NoSpace, Reason: couch.ErrNoSpace.Reason, Err: err}
	case errors.Is(err, kv.ErrTooLarge):
		return &couch.Error{Kind: couch.RequestTooLarge, Err: err}
	case errors.Is(err, kv.ErrClosed):
		return &couch.Error{Kind: couch.Unavailable, Reason: couch.ErrUnavailable.Reason, Err: err}
	case errors.Is(err, kv.ErrCorrupt), errors.Is(err, crypt.ErrDamaged):
		return &couch.Error{Kind: couch.Corrupt, Reason: couch.ErrCorrupt.Reason, Err: err}
	}
	return err
}
