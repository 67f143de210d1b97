package viewparams

import (
	"settle/server/web"
	"settle/storage/couch"
)

var (
	errNotPartitioned    = couch.Errorf(couch.BadRequest, "database is not partitioned")
	errPartitionConflict = couch.Errorf(couch.BadRequest, "Conflicting value for `partition` in query string")
)

// PathPartition returns the partition that the path of a request names, "" where it names
// none. Errors: a BadRequest where the database has no partitions, or the query names
// another one; IllegalPartition.
func PathPartition(r *web.Request) (string, error) {
	name := r.Param("partition")
	if name == "" {
		return "", nil
	}
	if !web.DatabaseOf[interface{ Partitioned() bool }](r).Partitioned() {
		return "", errNotPartitioned
	}
	if err := couch.ValidatePartition(name); err != nil {
		return "", err
	}
	if other, given := r.Query().Lookup("partition"); given && other != name {
		return "", errPartitionConflict
	}
	return name, nil
}

// Within takes the partition that the path names, "" where it names none. What is read
// from a body afterwards cannot name another.
func (o *Params) Within(name string) {
	if name != "" {
		o.Partition, o.within = name, name
	}
}
