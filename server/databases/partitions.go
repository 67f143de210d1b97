package databases

import (
	"net/http"
	"strconv"
	"strings"

	"settle/server/viewparams"
	"settle/server/web"
	"settle/storage/couch"
	"settle/storage/docjson"
)

var (
	errNoPartition       = couch.Errorf(couch.BadRequest, "invalid_partition_req")
	errNotPartitioned    = couch.Errorf(couch.BadRequest, "database is not partitioned")
	errPartitionConflict = couch.Errorf(couch.BadRequest, "Conflicting value for `partition` in query string")
)

// noPartition refuses a path that does not name a partition.
func noPartition(*web.Request) error { return errNoPartition }

// badPartition refuses what is no way to ask for a partition. CouchDB looks at the name
// first where the method is POST.
func badPartition(r *web.Request) error {
	if name := r.Param("partition"); r.Method == http.MethodPost && strings.HasPrefix(name, "_") {
		return couch.ValidatePartition(name)
	}
	r.Response.Header().Set("Allow", "GET,HEAD")
	return couch.Errorf(couch.MethodNotAllowed, "Only GET allowed")
}

// partitionInfo describes a partition.
func partitionInfo(r *web.Request) error {
	db := web.DatabaseOf[Database](r)
	if err := couch.ValidatePartition(r.Param("partition")); err != nil {
		return err
	}
	info, err := db.PartitionInfo(r.Context(), r.Param("partition"))
	if err != nil {
		return err
	}
	b := docjson.AppendString([]byte(`{"db_name":`), db.Name())
	b = strconv.AppendInt(append(b, `,"sizes":{"active":`...), info.Sizes.Active, 10)
	b = strconv.AppendInt(append(b, `,"external":`...), info.Sizes.External, 10)
	b = docjson.AppendString(append(b, `},"partition":`...), info.Name)
	b = strconv.AppendInt(append(b, `,"doc_count":`...), info.DocCount, 10)
	b = strconv.AppendInt(append(b, `,"doc_del_count":`...), info.DeletedCount, 10)
	return r.WriteRawJSON(http.StatusOK, append(b, '}'))
}

// partitionOf returns the partition that the path names. Errors: a BadRequest
// where the database has none, IllegalPartition.
func partitionOf(r *web.Request) (string, error) {
	if !web.DatabaseOf[Database](r).Partitioned() {
		return "", errNotPartitioned
	}
	name := r.Param("partition")
	return name, couch.ValidatePartition(name)
}

// ofPartition reads the options of a list of the partition that the path names.
func ofPartition(r *web.Request) (viewparams.Params, error) {
	name, err := partitionOf(r)
	if err != nil {
		return viewparams.Params{}, err
	}
	o, err := viewparams.FromQuery(r.Query())
	if err == nil && o.Partition != "" && o.Partition != name {
		err = errPartitionConflict
	}
	o.Partition = name
	return o, err
}

// unknownOfPartition refuses what a partition does not have.
func unknownOfPartition(r *web.Request) error {
	if _, err := partitionOf(r); err != nil {
		return err
	}
	return couch.ErrNotFound
}

// partitionBounds returns the ids between which a partition's documents lie: the
// end is the first string behind all of "name:...".
func partitionBounds(name string) (first, last couch.DocID) {
	return couch.DocID(name + ":"), couch.DocID(name + ";")
}
