package attachments

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2/vfs"

	"settle/storage/couch"
)

// ErrFileMissing is behind the Corrupt error for a blob whose record was read,
// but whose file is not there. A blob that was deleted since its record was read
// looks the same: read the record again to tell.
var ErrFileMissing = errors.New("attachments: the file of a blob is missing")

// corrupt returns an error that matches couch.ErrCorrupt.
func corrupt(id couch.BlobID, err error) error {
	return &couch.Error{
		Kind: couch.Corrupt, Reason: couch.ErrCorrupt.Reason,
		Err: fmt.Errorf("blob %s: %w", id, err),
	}
}

// fileError wraps an error of the file system, whose text may hold paths.
func fileError(err error) error {
	if vfs.IsNoSpaceError(err) {
		return &couch.Error{Kind: couch.NoSpace, Reason: couch.ErrNoSpace.Reason, Err: err}
	}
	return &couch.Error{Kind: couch.Internal, Reason: "The attachment store has failed.", Err: err}
}
