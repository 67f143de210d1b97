package node

import (
	"net/http"

	"settle/server/config"
	"settle/server/web"
	"settle/storage/couch"
)

// The version of CouchDB whose API is served, and the commit that it names
// itself by. Clients decide by them what they may ask for.
const (
	Version = "3.5.0"
	gitSHA  = "11f0d36"
)

// features are what CouchDB 3.5 lists.
var features = []string{"quickjs", "access-ready", "partitioned", "pluggable-storage-engines", "reshard", "scheduler"}

// welcome answers what the server is. Its uuid is part of the ids that
// replicators make.
func (h *handlers) welcome(r *web.Request) error {
	type vendor struct {
		Name string `json:"name"`
	}
	return r.WriteJSON(http.StatusOK, struct {
		CouchDB  string   `json:"couchdb"`
		Version  string   `json:"version"`
		GitSHA   string   `json:"git_sha"`
		UUID     string   `json:"uuid"`
		Features []string `json:"features"`
		Vendor   vendor   `json:"vendor"`
	}{"Welcome", Version, gitSHA, h.store.UUID(), features, vendor{"The Apache Software Foundation"}})
}

// up answers whether the server wants requests.
func (h *handlers) up(r *web.Request) error {
	type status struct {
		Status string    `json:"status"`
		Seeds  *struct{} `json:"seeds,omitempty"`
	}
	switch h.config.Get(config.MaintenanceMode) {
	case "true":
		return r.WriteJSON(http.StatusNotFound, status{Status: "maintenance_mode"})
	case "nolb":
		return r.WriteJSON(http.StatusNotFound, status{Status: "nolb"})
	}
	return r.WriteJSON(http.StatusOK, status{Status: "ok", Seeds: &struct{}{}})
}

// membership answers that the cluster is this node.
func membership(r *web.Request) error {
	return r.WriteJSON(http.StatusOK, struct {
		All     []string `json:"all_nodes"`
		Cluster []string `json:"cluster_nodes"`
	}{[]string{Name}, []string{Name}})
}

func clusterState(r *web.Request) error {
	return r.WriteJSON(http.StatusOK, struct {
		State string `json:"state"`
	}{"single_node_enabled"})
}

// setUpCluster refuses every action: the cluster of one needs no setting up.
// Scripts that set up a CouchDB take "already finished" for a success.
func setUpCluster(r *web.Request) error {
	if err := r.RequireJSON(); err != nil {
		return err
	}
	var setup struct {
		Action string `json:"action"`
	}
	if err := r.DecodeJSON(&setup); err != nil {
		return err
	}
	switch setup.Action {
	case "enable_single_node", "enable_cluster", "add_node", "finish_cluster":
		return couch.Errorf(couch.BadRequest, "Cluster is already finished")
	}
	return couch.Errorf(couch.BadRequest, "Invalid Action'")
}

func incompleteNode(*web.Request) error {
	return couch.Errorf(couch.BadRequest, "Incomplete path to _node request")
}

func nodeName(r *web.Request) error {
	return r.WriteJSON(http.StatusOK, struct {
		Name string `json:"name"`
	}{Name})
}

// unknownOfNode answers a path below a node that nobody serves. CouchDB takes
// it for a database of the node's own.
func unknownOfNode(r *web.Request) error {
	if err := couch.ValidateDatabaseName(r.Param("*")); err != nil {
		return err
	}
	return couch.ErrDatabaseMissing
}

// reloadQueryServers has nothing to do: there are no processes that would have to
// begin anew.
func reloadQueryServers(r *web.Request) error {
	if err := r.RequireJSON(); err != nil {
		return err
	}
	return r.WriteOK(http.StatusOK)
}
