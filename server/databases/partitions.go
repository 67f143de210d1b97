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

var errNoPartition = couch.Errorf(couch.BadRequest, "invalid_partition_req")

// noPartition refuses a path that does not name a partition.
func noPartition(*web.Request) error { return errNoPartition }

// badPartition refuses what is no way to ask for a partition. CouchDB looks at the name
// first where the method is POST.
func badPartition(r *web.Request) error {
	if name := r.Param("partition"); r.Method == http.MethodPost && strings.HasPrefix(name, "_") {
		return couch.ValidatePartition(name)
	}
	return r.OnlyAllow("GET")
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

// ofPartition reads the options of a list of the partition that the path names.
func ofPartition(r *web.Request) (viewparams.Params, error) {
	name, err := viewparams.PathPartition(r)
	if err != nil {
		return viewparams.Params{}, err
	}
	o, err := viewparams.FromQuery(r.Query())
	o.Within(name)
	return o, err
}

// unknownOfPartition refuses what a partition does not have.
func unknownOfPartition(r *web.Request) error {
	if _, err := viewparams.PathPartition(r); err != nil {
		return err
	}
	return couch.ErrNotFound
}

// partitionBounds returns the ids between which a partition's documents lie: the
// end is the first string behind all of "name:...".
func partitionBounds(name string) (first, last couch.DocID) {
	return couch.DocID(name + ":"), couch.DocID(name + ";")
}
