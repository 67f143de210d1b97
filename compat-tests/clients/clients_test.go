package clients_test

import (
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"settle/compat-tests/clients"
	"settle/compat-tests/settletest"
)

func TestMain(m *testing.M) { os.Exit(settletest.Main(m)) }

// parameters is what every script takes.
type parameters struct {
	URL        string `json:"url"` // of the server, with the administrator's credentials
	Dir        string `json:"dir"` // for the local databases
	Seed       uint32 `json:"seed"`
	Documents  int    `json:"documents,omitempty"`  // at most; from Debian's package index
	Operations int    `json:"operations,omitempty"` // of each of the writers
	Bytes      int    `json:"bytes,omitempty"`      // of attachments, at most
}

// full says whether to take all there is: SETTLE_CLIENTS=full.
func full() bool { return os.Getenv("SETTLE_CLIENTS") == "full" }

// enough is how long a script may take that is not run in full, on a machine that does
// much else.
const enough = 5 * time.Minute

// run runs a script against a new server and has the store checked afterwards.
// Under each checkpoint the server is killed and started again.
func run(t *testing.T, file string, p parameters, limit time.Duration, kills ...string) {
	t.Helper()
	server := settletest.Start(t, settletest.Options{})
	p.URL, p.Dir, p.Seed = server.AdminURL(), t.TempDir(), clients.Seed(t)
	script := clients.Script{File: file, Parameters: p, Limit: limit, Checkpoints: map[string]func(){}}
	for _, name := range kills {
		script.Checkpoints[name] = func() {
			time.Sleep(rand.N(time.Second)) // under load
			server.Kill()
			time.Sleep(500 * time.Millisecond) // long enough for every client to notice
			server.Restart()
		}
	}
	script.Run(t)
	start := time.Now()
	t.Logf("settle check: %s(%.1f s, with the stop before it)", server.Check(), time.Since(start).Seconds())
}

func TestPouchDBRoundTrip(t *testing.T) {
	p := parameters{Documents: 5000, Bytes: 40e6}
	limit := enough
	if full() {
		p.Documents, p.Bytes = 1e9, 300e6
		limit = time.Hour
	}
	run(t, "roundtrip.mjs", p, limit)
}

func TestPouchDBLive(t *testing.T) {
	p := parameters{Operations: 600, Bytes: 12e6}
	limit := enough
	if full() {
		p.Operations, p.Bytes = 5000, 60e6
		limit = time.Hour
	}
	run(t, "live.mjs", p, limit, "kill 1", "kill 2")
}

func TestNano(t *testing.T) {
	run(t, "nano.mjs", parameters{Documents: 500, Bytes: 12e6}, enough)
}

func TestNanoRoundTrip(t *testing.T) {
	p := parameters{Documents: 1000, Bytes: 8e6}
	if full() {
		p.Documents, p.Bytes = 5000, 100e6
	}
	run(t, "nano-roundtrip.mjs", p, enough)
}

func TestCouchbackup(t *testing.T) {
	run(t, "backup.mjs", parameters{Documents: 1500, Bytes: 10e6}, enough)
}

func TestRxDB(t *testing.T) {
	run(t, "rxdb.mjs", parameters{Operations: 150}, enough, "kill", "restart")
}

func TestFollow(t *testing.T) {
	run(t, "follow.mjs", parameters{Operations: 100}, enough, "kill 1", "kill 2")
}

func TestNanoDocuments(t *testing.T) {
	run(t, "nano-documents.mjs", parameters{}, enough)
}

func TestPouchDBRemote(t *testing.T) {
	run(t, "pouchdb-remote.mjs", parameters{}, enough)
}

func TestPouchDBReplication(t *testing.T) {
	run(t, "pouchdb-replication.mjs", parameters{}, enough, "kill push", "kill pull")
}
