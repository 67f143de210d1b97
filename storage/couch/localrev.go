package couch

import (
	"math"
	"strconv"
)

// FormatLocalRev prints the revision of a local document, "0-N".
func FormatLocalRev(n uint64) string { return "0-" + strconv.FormatUint(n, 10) }

// LocalRev returns the revision of a local document that a path stands for, 0 for an
// empty one. The error is a BadRequest.
func (r Revisions) LocalRev() (uint64, error) {
	if len(r.Hashes) == 0 {
		return 0, nil
	}
	n, err := strconv.ParseUint(r.Hashes[0], 10, 63)
	if err != nil || r.Start != 0 || n == math.MaxInt64 {
		return 0, &Error{Kind: BadRequest, Reason: "Invalid rev format"}
	}
	return n, nil
}
