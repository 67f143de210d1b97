package storage

import (
	"errors"
	"fmt"

	"settle/storage/couch"
	"settle/storage/crypt"
	"settle/storage/kv"
)

// corrupt says that a row makes no sense; what names the kind of row, never a key.
func corrupt(what string) error {
	return &couch.Error{Kind: couch.Corrupt, Reason: couch.ErrCorrupt.Reason, Err: fmt.Errorf("storage: bad %s", what)}
}

// domainError turns the errors of the rooms below into the domain's.
func domainError(err error) error {
	var known *couch.Error
	switch {
	case err == nil, errors.As(err, &known):
		return err
	case errors.Is(err, kv.ErrNoSpace):
		return &couch.Error{Kind: couch.NoSpace, Reason: couch.ErrNoSpace.Reason, Err: err}
	case errors.Is(err, kv.ErrClosed):
		return &couch.Error{Kind: couch.Unavailable, Reason: couch.ErrUnavailable.Reason, Err: err}
	case errors.Is(err, kv.ErrCorrupt), errors.Is(err, crypt.ErrDamaged):
		return &couch.Error{Kind: couch.Corrupt, Reason: couch.ErrCorrupt.Reason, Err: err}
	}
	return err
}
