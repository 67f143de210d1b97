package crypt

import "errors"

// The errors of the package; match them with errors.Is.
var (
	// ErrDamaged: stored bytes do not authenticate, or are not of the form that
	// they should have. They were changed, cut, moved, or belong to another store.
	ErrDamaged = errors.New("stored data is damaged or was changed")
	// ErrNewerFormat: the keyring was written by a newer version of the program.
	ErrNewerFormat = errors.New("the keyring has a newer format than this version knows")
	// ErrNoIdentity: there is a store, but no identity file.
	ErrNoIdentity = errors.New("no identity file")
	// ErrWrongIdentity: the identity file does not open the keyring.
	ErrWrongIdentity = errors.New("the identity does not open the keyring")
	// ErrBadIdentity: the identity file cannot be used: it is not an age identity,
	// is open to other users, lies inside the data directory, or needs a
	// passphrase that nobody gave.
	ErrBadIdentity = errors.New("the identity file cannot be used")
	// ErrNoKeyring: the data directory holds something, but no keyring.
	ErrNoKeyring = errors.New("the data directory is not empty, but has no keyring")
	// ErrNoStore: there is no store, and none may be made.
	ErrNoStore = errors.New("there is no store")
	// ErrPinned: the keyring is another one, or an older one, than the pin names.
	ErrPinned = errors.New("the keyring is not the pinned one")
	// ErrRecipient: a recipient is malformed, or may not stand with the others.
	ErrRecipient = errors.New("bad recipient")
)
