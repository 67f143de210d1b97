package couch

import (
	"strings"
	"unicode/utf8"
)

// ValidatePartition checks the name of a partition. The error is an
// IllegalPartition. Source: couch_partition:validate_partition.
func ValidatePartition(name string) error {
	switch {
	case name == "":
		return Errorf(IllegalPartition, "Partition must not be empty")
	case !utf8.ValidString(name):
		return Errorf(IllegalPartition, "Partition must be valid UTF-8")
	case name[0] == '_':
		return Errorf(IllegalPartition, "Partition must not start with an underscore")
	case strings.Contains(name, ":"):
		return Errorf(IllegalPartition, "Partition must not contain a colon")
	}
	return nil
}

var errUnpartitioned = &Error{Kind: IllegalDocID, Reason: "Doc id must be of form partition:id"}

// CheckPartition checks an id that is asked for in a partitioned database: without a
// partition it could not be there. The error is an IllegalDocID. Source:
// couch_partition:hash.
func (id DocID) CheckPartition() error {
	if strings.HasPrefix(string(id), "_") || strings.Contains(string(id), ":") {
		return nil
	}
	return errUnpartitioned
}

// ValidatePartitioned checks an id, which is valid otherwise, for a partitioned
// database: where it is no design or local document's it is the name of a
// partition, a colon, and an id. Errors: IllegalDocID, IllegalPartition. Source:
// couch_partition:validate_docid.
func (id DocID) ValidatePartitioned() error {
	if id.IsDesign() || id.IsLocal() {
		return nil
	}
	partition, rest, ok := strings.Cut(string(id), ":")
	if !ok {
		return errUnpartitioned
	}
	if err := ValidatePartition(partition); err != nil {
		return err
	}
	return DocID(rest).Validate()
}

// PartitionInfo describes a partition of a database.
type PartitionInfo struct {
	Name         string
	DocCount     int64
	DeletedCount int64
	Sizes        Sizes // File is not known
}
