package browser_test

import (
	"cmp"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"
	"time"

	"settle/compat-tests/clients"
	"settle/compat-tests/settletest"
)

func TestMain(m *testing.M) { os.Exit(settletest.Main(m)) }

// parameters is what every script takes.
type parameters struct {
	URL        string   `json:"url"`             // of the server with TLS, with the administrator's credentials
	Plain      string   `json:"plain,omitempty"` // of a server without TLS
	Dir        string   `json:"dir"`             // for the browser's profile
	Chromium   string   `json:"chromium"`        // the program
	Seed       uint32   `json:"seed"`
	Databases  int      `json:"databases,omitempty"`
	Documents  int      `json:"documents,omitempty"`
	Paths      []string `json:"paths,omitempty"`      // of a database, by which pages use it
	Operations int      `json:"operations,omitempty"` // of each of the writers
	Bytes      int      `json:"bytes,omitempty"`      // of attachments, at most
}

// chromium is the browser's program. The test is skipped where there is none.
func chromium(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath(cmp.Or(os.Getenv("SETTLE_CHROMIUM"), "chromium"))
	if err != nil {
		t.Skipf(`no Chromium: run "make browser", or name one in SETTLE_CHROMIUM (%v)`, err)
	}
	return path
}

// run runs a script against a new server with TLS and the arguments, which at
// the checkpoint "kill" is killed and started again.
func run(t *testing.T, script clients.Script, p parameters, args ...string) {
	t.Helper()
	p.Chromium = chromium(t)
	cert := settletest.NewCertificate(t)
	server := settletest.Start(t, settletest.Options{TLS: cert, Args: args})
	p.URL, p.Dir, p.Seed = server.AdminURL(), t.TempDir(), clients.Seed(t)
	script.Parameters = p
	script.Files = []string{"page/*", "../clients/lib/*.mjs", "../metadata/*.mjs", "../../docs/reader/*.*"}
	script.Env = []string{"NODE_EXTRA_CA_CERTS=" + cert.Cert}
	script.Limit = 5 * time.Minute
	if _, kills := script.Checkpoints["kill"]; kills {
		script.Checkpoints["kill"] = func() {
			time.Sleep(rand.N(time.Second)) // under load
			server.Kill()
			time.Sleep(500 * time.Millisecond) // long enough for every client to notice
			server.Restart()
		}
	}
	script.Run(t)
}

func TestSession(t *testing.T) {
	chromium(t)
	plain := settletest.Start(t, settletest.Options{})
	run(t, clients.Script{File: "session.mjs"}, parameters{Plain: plain.AdminURL()})
}

func TestLive(t *testing.T) {
	tests := []struct {
		name  string
		paths []string // of the two pages
	}{
		{"ordinary", []string{"live", "live"}},
		{"metadata", []string{"live", "_metadata/live"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			script := clients.Script{File: "live.mjs", Checkpoints: map[string]func(){"kill": nil}}
			run(t, script, parameters{Operations: 50, Bytes: 4e6, Paths: tt.paths})
		})
	}
}

func TestManyLive(t *testing.T) {
	run(t, clients.Script{File: "many.mjs"}, parameters{Databases: 14}, "--cors-preset", "pouchdb")
}

func TestReader(t *testing.T) {
	run(t, clients.Script{File: "reader.mjs"}, parameters{Documents: 25})
}

func TestMetadataCases(t *testing.T) {
	run(t, clients.Script{File: "cases.mjs"}, parameters{})
}
