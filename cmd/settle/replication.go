package main

import (
	"settle/replication"
	"settle/storage"
)

// A database of the store is a source and a target of replications, as it is.
var _ replication.Database = (*storage.Database)(nil)
