package databases

import "settle/storage/couch"

// partitionBounds returns the ids between which a partition's documents lie: the
// end is the first string behind all of "name:...".
func partitionBounds(name string) (first, last couch.DocID) {
	return couch.DocID(name + ":"), couch.DocID(name + ";")
}
