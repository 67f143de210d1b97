package replicator

import (
	"time"

	"settle/replication"
	"settle/server/config"
)

// tuning returns the configured defaults of replications that begin now.
func (r *Replicator) tuning() replication.Tuning {
	number := func(id config.ID) int { return int(r.Config.Int(id)) }
	return replication.Tuning{
		NoCheckpoints:      !r.Config.Bool(config.ReplicatorCheckpoints),
		CheckpointInterval: time.Duration(number(config.ReplicatorCheckpoint)) * time.Millisecond,
		UseBulkGet:         r.Config.Bool(config.ReplicatorBulkGet),
		Workers:            number(config.ReplicatorWorkers),
		BatchSize:          number(config.ReplicatorBatchSize),
		Connections:        number(config.ReplicatorConnections),
		ConnectionTimeout:  time.Duration(number(config.ReplicatorTimeout)) * time.Millisecond,
		Retries:            number(config.ReplicatorRetries),
	}
}
