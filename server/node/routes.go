package node

import (
	"context"
	"iter"

	"settle/server/config"
	"settle/server/web"
	"settle/storage"
	"settle/storage/couch"
)

// Name is the name of the only node.
const Name = "settle@127.0.0.1"

// Store is what these endpoints need of the store.
type Store interface {
	UUID() string
	Tasks() []couch.Task
	Databases(ctx context.Context, o storage.NameRange) iter.Seq2[string, error]
}

// Routes returns the table of the server's own endpoints.
func Routes(store Store, c *config.Config, admins Admins, counters *Counters) []web.Route {
	h := &handlers{store: store, config: c, admins: admins, counters: counters, uuids: &generator{}}
	return []web.Route{
		{Method: "GET", Path: "/", Privilege: web.Public, Handler: h.welcome},
		{Method: "GET", Path: "/_up", Privilege: web.Public, Handler: h.up},
		{Method: "GET", Path: "/_up/*", Privilege: web.Public, Handler: h.up},
		{Method: "GET", Path: "/_uuids", Privilege: web.Public, Handler: h.getUUIDs},
		{Method: "GET", Path: "/_uuids/*", Privilege: web.Public, Handler: h.getUUIDs},
		{Method: "GET", Path: "/_all_dbs", Privilege: web.ServerAdmin, Handler: h.allDBs},
		{Method: "GET", Path: "/_active_tasks", Privilege: web.ServerAdmin, Handler: h.activeTasks},
		{Method: "GET", Path: "/_membership", Privilege: web.ServerAdmin, Handler: membership},
		{Method: "GET", Path: "/_cluster_setup", Privilege: web.ServerAdmin, Handler: clusterState},
		{Method: "POST", Path: "/_cluster_setup", Privilege: web.ServerAdmin, Handler: setUpCluster},
		{Method: "POST", Path: "/_reload_query_servers", Privilege: web.ServerAdmin, Handler: reloadQueryServers},
		{Method: "GET", Path: "/_reshard", Privilege: web.ServerAdmin, Handler: reshard},
		{Method: "GET", Path: "/_reshard/state", Privilege: web.ServerAdmin, Handler: reshardState},
		{Method: "GET", Path: "/_reshard/jobs", Privilege: web.ServerAdmin, Handler: reshardJobs},
		{Method: "GET", Path: "/_reshard/jobs/:job", Privilege: web.ServerAdmin, Handler: noReshardJob},
		{Method: "DELETE", Path: "/_reshard/jobs/:job", Privilege: web.ServerAdmin, Handler: noReshardJob},
		{Method: "GET", Path: "/_reshard/jobs/:job/state", Privilege: web.ServerAdmin, Handler: noReshardJob},
		{Method: web.AnyMethod, Path: "/_node", Privilege: web.ServerAdmin, Handler: incompleteNode},
		{Method: web.AnyMethod, Path: "/_node/:node", Privilege: web.ServerAdmin, Handler: ofNode(nodeName)},
		{Method: "GET", Path: "/_node/:node/_versions", Privilege: web.ServerAdmin, Handler: ofNode(versions)},
		{Method: "GET", Path: "/_node/:node/_config", Privilege: web.ServerAdmin, Handler: ofNode(h.getConfig)},
		{Method: "POST", Path: "/_node/:node/_config/_reload", Privilege: web.ServerAdmin, Handler: ofNode(h.reloadConfig)},
		{Method: "GET", Path: "/_node/:node/_config/:section", Privilege: web.ServerAdmin, Handler: ofNode(h.getSection)},
		{Method: "GET", Path: "/_node/:node/_config/:section/:key", Privilege: web.ServerAdmin, Handler: ofNode(h.getValue)},
		{Method: "PUT", Path: "/_node/:node/_config/:section/:key", Privilege: web.ServerAdmin, Handler: ofNode(h.putValue)},
		{Method: "DELETE", Path: "/_node/:node/_config/:section/:key", Privilege: web.ServerAdmin, Handler: ofNode(h.deleteValue)},
		{Method: "GET", Path: "/_node/:node/_stats", Privilege: web.Metrics, Handler: ofNode(h.getStats)},
		{Method: "GET", Path: "/_node/:node/_stats/*", Privilege: web.Metrics, Handler: ofNode(h.getStats)},
		{Method: "GET", Path: "/_node/:node/_system", Privilege: web.Metrics, Handler: ofNode(h.getSystem)},
		{Method: "GET", Path: "/_node/:node/_prometheus", Privilege: web.Metrics, Handler: ofNode(h.getPrometheus)},
		{Method: "GET", Path: "/_node/:node/*", Privilege: web.ServerAdmin, Handler: ofNode(unknownOfNode)},
	}
}

type handlers struct {
	store  Store
	config *config.Config
	admins Admins
	uuids  *generator

	counters *Counters
}

// checkName checks the name of a node in a path. The error is a NotFound.
func checkName(name string) error {
	if name != "_local" && name != Name {
		return couch.Errorf(couch.NotFound, "no such node: %s", name)
	}
	return nil
}
