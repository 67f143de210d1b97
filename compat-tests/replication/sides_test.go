package replication_test

import (
	"fmt"
	"testing"
	"time"

	"settle/compat-tests/settletest"
	"settle/replication"
	"settle/replication/remote"
	"settle/replication/sidetest"
)

// A database behind HTTP is a Source and a Target, with _bulk_get and without.
func TestRemoteSides(t *testing.T) {
	p := start(t)
	made := 0
	for _, bulkGet := range []bool{true, false} {
		t.Run(fmt.Sprint("bulk_get ", bulkGet), func(t *testing.T) {
			sidetest.Run(t, func(t *testing.T) sidetest.Side {
				made++
				e := &replication.Endpoint{URL: fmt.Sprintf("%s/db%d/", p.URL(), made), User: settletest.AdminName, Password: settletest.AdminPassword}
				peer, err := remote.New(e, remote.Options{Guard: remote.OpenGuard(), Timeout: 30 * time.Second, Connections: 5, UseBulkGet: bulkGet})
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(peer.Close)
				return peer
			})
		})
	}
}
