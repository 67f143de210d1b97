package databases

import (
	"net/http"

	"settle/server/node"
	"settle/server/web"
	"settle/storage/couch"
)

// ensureFullCommit has nothing to do: what was acknowledged is on disk. Its
// answer lets a replicator see that the database is still the same.
func ensureFullCommit(r *web.Request) error {
	if err := r.RequireJSON(); err != nil {
		return err
	}
	info, err := web.DatabaseOf[Database](r).Info(r.Context())
	if err != nil {
		return err
	}
	return r.WriteJSON(http.StatusCreated, struct {
		OK            bool   `json:"ok"`
		InstanceStart string `json:"instance_start_time"`
	}{true, instanceStart(&info)})
}

// compact starts a compaction, which goes on behind the answer.
func (d *Databases) compact(r *web.Request) error {
	if err := r.RequireJSON(); err != nil {
		return err
	}
	db := web.DatabaseOf[Database](r)
	info, err := db.Info(r.Context())
	if err != nil {
		return err
	}
	d.compactions.start(info.Incarnation, db)
	return r.WriteOK(http.StatusAccepted)
}

// compactIndexes answers for the indexes of a design document. There is nothing
// in them to give back.
func compactIndexes(r *web.Request) error {
	if err := r.RequireJSON(); err != nil {
		return err
	}
	id := couch.DocID(couch.DesignPrefix + r.Param("design"))
	if _, err := web.DatabaseOf[Database](r).Get(r.Context(), id, couch.GetOptions{}); err != nil {
		return err
	}
	return r.WriteOK(http.StatusAccepted)
}

// syncShards has nothing to do: there is one copy of each database.
func (d *Databases) syncShards(r *web.Request) error {
	if err := r.RequireJSON(); err != nil {
		return err
	}
	if _, err := d.named(r); err != nil {
		return err
	}
	return r.WriteOK(http.StatusAccepted)
}

// wholeRange is the range of the only shard.
const wholeRange = "00000000-ffffffff"

// shards tells that the whole database is on the one node.
func shards(r *web.Request) error {
	return r.WriteJSON(http.StatusOK, map[string]map[string][]string{
		"shards": {wholeRange: {node.Name}},
	})
}

// shardOf tells where a document is, or would be.
func shardOf(r *web.Request) error {
	return r.WriteJSON(http.StatusOK, struct {
		Range string   `json:"range"`
		Nodes []string `json:"nodes"`
	}{wholeRange, []string{node.Name}})
}

// noTempView refuses what CouchDB had before version 2.
func noTempView(*web.Request) error {
	return &web.Error{Status: http.StatusGone, Name: "gone", Reason: "Temporary views are not supported in CouchDB"}
}
