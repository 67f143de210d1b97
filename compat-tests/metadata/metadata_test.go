package metadata_test

import (
	"os"
	"path/filepath"
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
	Operations int    `json:"operations,omitempty"` // of each of the writers
	Bytes      int    `json:"bytes,omitempty"`      // of attachments, at most
	Messages   int    `json:"messages,omitempty"`
	Mbit       int    `json:"mbit,omitempty"` // a second
}

// enough is how long a script may take that is not run in full, on a machine that does
// much else.
const enough = 5 * time.Minute

// run runs a script of this directory against a new server, and has the store
// checked afterwards.
func run(t testing.TB, file string, p parameters, limit time.Duration) {
	t.Helper()
	open(t)
	server := settletest.Start(t, settletest.Options{})
	p.URL, p.Dir, p.Seed = server.AdminURL(), t.TempDir(), clients.Seed(t)
	clients.Script{Dir: "../clients", File: "../metadata/" + file, Parameters: p, Limit: limit}.Run(t)
	t.Logf("settle check: %s", server.Check())
}

// open opens the scripts, so that the go command does not take an earlier result for
// this one after they changed.
func open(t testing.TB) {
	t.Helper()
	files, err := filepath.Glob("*.mjs")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if _, err := os.ReadFile(file); err != nil {
			t.Fatal(err)
		}
	}
}

func TestPouchDBCases(t *testing.T) { run(t, "cases.mjs", parameters{}, enough) }

func TestNano(t *testing.T) { run(t, "nano.mjs", parameters{}, enough) }

func TestPouchDBLive(t *testing.T) {
	p, limit := parameters{Operations: 120, Bytes: 8e6}, enough
	if os.Getenv("SETTLE_CLIENTS") == "full" {
		p, limit = parameters{Operations: 5000, Bytes: 40e6}, time.Hour
	}
	run(t, "live.mjs", p, limit)
}
