package replicator

import (
	"settle/replication"
	"settle/storage/couch"
)

// Local returns a database of the server as a side of an administrator's replication.
func (r *Replicator) Local(name string) *replication.Local {
	return r.local(task{user: couch.UserCtx{Name: "admin", Roles: []string{couch.AdminRole}}}, name)
}
