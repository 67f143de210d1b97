package databases

import (
	"net/http"
	"path"
	"slices"
	"strconv"

	"settle/server/web"
	"settle/storage"
	"settle/storage/couch"
)

// create makes a database. The numbers of shards and copies, q and n, and the engine
// have no meaning here, but are checked.
func (d *Databases) create(r *web.Request) error {
	name, q := r.Param("db"), r.Query()
	if err := couch.ValidateDatabaseName(name); err != nil {
		return err
	}
	for _, param := range []string{"q", "n"} {
		if err := requirePositive(q, param); err != nil {
			return err
		}
	}
	if engine, given := q.Lookup("engine"); given && engine != "couch" {
		return couch.Errorf(couch.BadRequest, "invalid_engine_extension")
	}
	var o storage.CreateOptions
	switch v, given := q.Lookup("partitioned"); {
	case v == "true" && isSystems(name):
		return couch.Errorf(couch.BadRequest, "Cannot partition a system database")
	case v == "true":
		o.Partitioned = true
	case given && v != "false":
		return couch.Errorf(couch.BadRequest, "Invalid `partitioned` parameter")
	}
	if _, err := d.store.CreateDatabase(r.Context(), name, o); err != nil {
		return err
	}
	r.SetLocation(name)
	return r.WriteOK(http.StatusCreated)
}

// isSystems reports whether a database is one of the system's: by its name, or by the
// end of it, which makes it one of accounts or replications.
func isSystems(name string) bool {
	return slices.Contains(couch.SystemDatabases, name) || slices.Contains([]string{"_users", "_replicator"}, path.Base(name))
}

// requirePositive checks a parameter that is a positive integer where it is given.
func requirePositive(q web.Query, name string) error {
	v, given := q.Lookup(name)
	if !given {
		return nil
	}
	if n, err := strconv.Atoi(v); err != nil || n <= 0 {
		return couch.Errorf(couch.BadRequest, "The `%s` value should be a positive integer.", name)
	}
	return nil
}

// drop removes a database. A ?rev= shows that the client meant a document, and
// has left its id empty.
func (d *Databases) drop(r *web.Request) error {
	if _, given := r.Query().Lookup("rev"); given {
		return couch.Errorf(couch.BadRequest, "You tried to DELETE a database with a ?=rev parameter. Did you mean to DELETE a document instead?")
	}
	if err := d.store.DropDatabase(r.Context(), r.Param("db")); err != nil {
		return err
	}
	return r.WriteOK(http.StatusOK)
}
