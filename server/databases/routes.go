package databases

import (
	"log/slog"

	"settle/server/web"
)

// Databases is the family of endpoints. It owns the compactions that clients have
// asked for; Close ends them.
type Databases struct {
	store       Store
	compactions *compactions
}

// New returns the family. The databases of requests must be a [Database].
func New(store Store, log *slog.Logger) *Databases {
	return &Databases{store: store, compactions: newCompactions(log)}
}

// Close ends running compactions and waits for them. Call it before the store is
// closed, and when no request is running any more.
func (d *Databases) Close() { d.compactions.close() }

// Routes returns the table of this family.
func (d *Databases) Routes() []web.Route {
	return []web.Route{
		{Method: "DELETE", Path: "/:db", Privilege: web.ServerAdmin, Handler: d.drop},
		{Method: "GET", Path: "/:db", Privilege: web.Reader, Handler: d.info},
		{Method: "PUT", Path: "/:db", Privilege: web.ServerAdmin, Handler: d.create},
		{Method: "GET", Path: "/_dbs_info", Privilege: web.ServerAdmin, Handler: d.infosInRange},
		{Method: "POST", Path: "/_dbs_info", Privilege: web.ServerAdmin, Handler: d.infosByName},

		{Method: "GET", Path: "/:db/_all_docs", Privilege: web.Reader, Handler: list(allDocs, ofDatabase)},
		{Method: "POST", Path: "/:db/_all_docs", Privilege: web.Reader, Handler: list(allDocs, ofDatabase)},
		{Method: "POST", Path: "/:db/_all_docs/queries", Privilege: web.Reader, Handler: queries(allDocs, ofDatabase)},
		{Method: "GET", Path: "/:db/_design_docs", Privilege: web.Reader, Handler: list(designDocs, ofDatabase)},
		{Method: "POST", Path: "/:db/_design_docs", Privilege: web.Reader, Handler: list(designDocs, ofDatabase)},
		{Method: "POST", Path: "/:db/_design_docs/queries", Privilege: web.Reader, Handler: queries(designDocs, ofDatabase)},
		{Method: "GET", Path: "/:db/_local_docs", Privilege: web.Reader, Handler: list(localDocs, ofDatabase)},
		{Method: "POST", Path: "/:db/_local_docs", Privilege: web.Reader, Handler: list(localDocs, ofDatabase)},
		{Method: "POST", Path: "/:db/_local_docs/queries", Privilege: web.Reader, Handler: queries(localDocs, ofDatabase)},

		{Method: web.AnyMethod, Path: "/:db/_partition", Privilege: web.Reader, Handler: noPartition},
		{Method: web.AnyMethod, Path: "/:db/_partition/", Privilege: web.Reader, Handler: noPartition},
		{Method: "GET", Path: "/:db/_partition/:partition", Privilege: web.Reader, Handler: partitionInfo},
		{Method: web.AnyMethod, Path: "/:db/_partition/:partition", Privilege: web.Reader, Handler: badPartition},
		{Method: "GET", Path: "/:db/_partition/:partition/_all_docs", Privilege: web.Reader, Handler: list(allDocs, ofPartition)},
		{Method: "POST", Path: "/:db/_partition/:partition/_all_docs", Privilege: web.Reader, Handler: list(allDocs, ofPartition)},
		{Method: "POST", Path: "/:db/_partition/:partition/_all_docs/queries", Privilege: web.Reader, Handler: queries(allDocs, ofPartition)},
		{Method: web.AnyMethod, Path: "/:db/_partition/:partition/*", Privilege: web.Reader, Handler: unknownOfPartition},

		{Method: "PUT", Path: "/:db/_security", Privilege: web.DatabaseAdmin, Handler: putSecurity},
		{Method: "GET", Path: "/:db/_security", Privilege: web.Reader, Handler: getSecurity},
		{Method: "PUT", Path: "/:db/_revs_limit", Privilege: web.DatabaseAdmin, Handler: putRevsLimit},
		{Method: "GET", Path: "/:db/_revs_limit", Privilege: web.Reader, Handler: getRevsLimit},

		{Method: "PUT", Path: "/:db/_quota", Privilege: web.ServerAdmin, Handler: d.putQuota},
		{Method: "GET", Path: "/:db/_quota", Privilege: web.Reader, Handler: getQuota},

		{Method: "POST", Path: "/:db/_purge", Privilege: web.ServerAdmin, Handler: d.purge},
		{Method: "GET", Path: "/:db/_purged_infos", Privilege: web.ServerAdmin, Handler: d.purgedInfos},
		{Method: "GET", Path: "/:db/_purged_infos_limit", Privilege: web.ServerAdmin, Handler: d.getPurgedInfosLimit},
		{Method: "PUT", Path: "/:db/_purged_infos_limit", Privilege: web.ServerAdmin, Handler: d.putPurgedInfosLimit},

		{Method: "POST", Path: "/:db/_ensure_full_commit", Privilege: web.Reader, Handler: ensureFullCommit},
		{Method: "POST", Path: "/:db/_compact", Privilege: web.Maintainer, Handler: d.compact},
		{Method: "POST", Path: "/:db/_compact/:design", Privilege: web.Maintainer, Handler: compactIndexes},
		{Method: "POST", Path: "/:db/_compact/:design/*", Privilege: web.Maintainer, Handler: compactIndexes},
		{Method: "GET", Path: "/:db/_shards", Privilege: web.Reader, Handler: shards},
		{Method: "GET", Path: "/:db/_shards/:doc", Privilege: web.Reader, Handler: shardOf},
		{Method: "POST", Path: "/:db/_sync_shards", Privilege: web.ServerAdmin, Handler: d.syncShards},

		{Method: web.AnyMethod, Path: "/:db/_temp_view", Privilege: web.Reader, Handler: noTempView},
		{Method: web.AnyMethod, Path: "/:db/_temp_view/*", Privilege: web.Reader, Handler: noTempView},
	}
}
