package reduction

import "settle/storage/couch"

// corrupt is the error for a stored state that makes no sense.
func corrupt(what string) error {
	return couch.Errorf(couch.Corrupt, "A stored reduction is damaged: %s", what)
}
