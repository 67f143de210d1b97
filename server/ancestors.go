package server

import (
	"context"
	"time"

	"settle/server/config"
	"settle/storage/deferred"
)

// keepAncestors tells the store for how long compaction keeps the attachments of
// superseded revisions, and how much a database keeps of what it has fetched, now and
// whenever the configuration changes, until ctx ends.
func keepAncestors(ctx context.Context, o Options) {
	for {
		changed := o.Config.Changed()
		o.Store.SetKeepAncestors(time.Duration(o.Config.Int(config.KeepAncestors)) * time.Second)
		o.Store.Deferred().SetLimits(deferred.Limits{
			Kept: o.Config.Int(config.MaxKept), Fetching: o.Config.Int(config.MaxFetching),
			Patience: time.Duration(o.Config.Int(config.ReplicatorTimeout)) * time.Millisecond,
		})
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}
