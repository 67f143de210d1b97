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
	}
	return nil
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
		return Errorf(IllegalDocID, "Doc id must be of form partition:id")
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
