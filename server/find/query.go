package find

import (
	"net/http"

	"settle/server/web"
	"settle/storage/couch"
	"settle/storage/mango"
)

// readPlan reads a query and chooses the index that answers it.
func (f *Find) readPlan(r *web.Request) (*mango.Plan, error) {
	body, err := readBody(r)
	if err != nil {
		return nil, err
	}
	query, err := mango.ParseQuery(body, f.settings().Limit)
	if err == nil {
		err = setPartition(r, query)
	}
	if err != nil {
		return nil, err
	}
	db := web.DatabaseOf[Database](r)
	indexes, err := indexesOf(r.Context(), db)
	if err != nil {
		return nil, err
	}
	return mango.NewPlan(indexes, query, f.estimate(r.Context(), db, query))
}

// setPartition takes the partition from the path or the query, where it is named there,
// and checks it.
func setPartition(r *web.Request, q *mango.Query) error {
	name := r.Param("partition")
	if name == "" {
		name, _ = r.Query().Lookup("partition")
	}
	if name != "" {
		if q.Partition != "" && q.Partition != name {
			return couch.Errorf(couch.BadRequest, "`partition` is not that of the path")
		}
		q.Partition = name
	}
	if q.Partition == "" {
		return nil
	}
	return couch.ValidatePartition(q.Partition)
}

// explain answers with how a query would be answered.
func (f *Find) explain(r *web.Request) error {
	plan, err := f.readPlan(r)
	if err != nil {
		return err
	}
	db := web.DatabaseOf[Database](r)
	e := mango.Explanation{Database: db.Name(), Partitioned: db.Partitioned()}
	return r.WriteRawJSON(http.StatusOK, e.AppendJSON(nil, plan))
}
