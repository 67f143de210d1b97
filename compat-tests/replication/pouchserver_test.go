package replication_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"settle/compat-tests/settletest"
)

// startPouchDBServer starts a pouchdb-server that keeps everything in memory.
func startPouchDBServer(t *testing.T) *peer {
	t.Helper()
	program, err := filepath.Abs("peers/node_modules/.bin/pouchdb-server")
	if err == nil {
		_, err = os.Stat(program)
	}
	if err != nil {
		t.Fatalf(`the npm packages are not installed: run "make clients" (%v)`, err)
	}
	if _, err := os.ReadFile("peers/package-lock.json"); err != nil { // a result with other packages is no result
		t.Fatal(err)
	}
	dir, port := t.TempDir(), freePort(t)
	settings, _ := json.Marshal(object{
		"admins": object{settletest.AdminName: settletest.AdminPassword}, "log": object{"file": filepath.Join(dir, "log")},
	})
	if err := os.WriteFile(filepath.Join(dir, "config.json"), settings, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, "node", program, "--in-memory", "--no-stdout-logs", "--port", fmt.Sprint(port), "--dir", dir, "--config", filepath.Join(dir, "config.json"))
	var said bytes.Buffer
	cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = dir, &said, &said, settletest.GroupOfItsOwn()
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait() // it was killed
		if t.Failed() {
			t.Logf("pouchdb-server said: %s", said.Bytes()[max(0, said.Len()-4096):])
		}
	})
	p := &peer{t: t, url: fmt.Sprintf("http://127.0.0.1:%d", port)}
	eventually(t, "pouchdb-server answers", func() bool {
		res, err := http.Get(p.URL())
		if err != nil {
			return false
		}
		res.Body.Close()
		return res.StatusCode == http.StatusOK
	})
	return p
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// settle and pouchdb-server replicate with each other, and either side drives, while
// users edit on both. In the end both have the same, but for local documents.
func TestPouchDBServer(t *testing.T) {
	type replication func(settle, pouch *peer) outcome
	settlePulls := func(settle, pouch *peer) outcome { return settle.replicate(endpoint(pouch.URL(), "y"), "x") }
	settlePushes := func(settle, pouch *peer) outcome { return settle.replicate("x", endpoint(pouch.URL(), "y")) }
	pouchPulls := func(settle, pouch *peer) outcome { return pouch.replicate(settle.AdminURL()+"/x", "y") }
	pouchPushes := func(settle, pouch *peer) outcome { return pouch.replicate("y", settle.AdminURL()+"/x") }
	for _, tt := range []struct {
		name    string
		out, in replication // of settle
		pouch   bool        // drives one of them
	}{
		{"settle drives", settlePushes, settlePulls, false},
		{"PouchDB drives", pouchPulls, pouchPushes, true},
		{"both pull", pouchPulls, settlePulls, true},
		{"both push", settlePushes, pouchPushes, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			seed := rand.Uint64()
			t.Logf("seed %d", seed)
			settle, pouch := start(t), startPouchDBServer(t)
			settle.must("PUT", "/x", nil, nil)
			settle.must("PUT", "/x/_revs_limit", 8, nil)
			pouch.must("PUT", "/y", nil, nil)
			left := &history{rng: rand.New(rand.NewPCG(seed, 1)), p: settle, db: "x", side: "a", pouch: tt.pouch}
			right := &history{rng: rand.New(rand.NewPCG(seed, 2)), p: pouch, db: "y", side: "b", pouch: tt.pouch}
			for _, h := range []*history{left, right} {
				h.local()
				h.large()
				h.long(30)
			}
			for round := range 3 {
				left.goOn(40)
				right.goOn(40)
				for _, o := range []outcome{tt.out(settle, pouch), tt.in(settle, pouch)} {
					if !o.OK {
						t.Fatalf("round %d: %s: %s", round, o.Error, o.Reason)
					}
				}
			}
			agreeOnLeaves(t, settle, "x", pouch, "y")
			left.expectNoLocal("b")
			right.expectNoLocal("a")
		})
	}
}
