package crash_test

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"settle/compat-tests/settletest"
)

// TestDiskFails lets the disk under the running server fail, in the log or the
// manifest of its engine. The process ends with status 1 and one line; the next
// start recovers, and all that was acknowledged is there.
func TestDiskFails(t *testing.T) {
	for name, f := range map[string]fault{
		"log sync":       {calls: syncs, file: ".log"},
		"log write":      {calls: writes, file: ".log"},
		"manifest sync":  {calls: syncs, file: "MANIFEST"},
		"manifest write": {calls: writes, file: "MANIFEST"},
		"everything":     {calls: append(append([]int32{}, syncs...), writes...)},
	} {
		t.Run(name, func(t *testing.T) { testDiskFails(t, f) })
	}
}

func testDiskFails(t *testing.T, f fault) {
	dir, identity := filepath.Join(t.TempDir(), "data"), filepath.Join(t.TempDir(), "identity")
	disk := newFaultyDisk(t, dir)
	p := startOn(t, disk, dir, identity)
	c := client{p.url}
	c.must(t, http.StatusCreated, "PUT", "/load", "")
	k := &known{revs: make(map[string]string), rows: make(map[int]string), local: make(map[string]string)}
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() { k.write(c, fmt.Sprint(w)) })
	}
	wg.Go(func() { k.checkpoint(c) })
	k.await(t, 20)
	disk.fault.Store(&f)
	for n := 0; !p.ended(0) && n < 100; n++ { // dropping a database has the engine write its manifest
		name := fmt.Sprint("/passing", n)
		_, _ = c.try("PUT", name, nil)
		_, _ = c.try("DELETE", name, nil)
	}
	if !p.ended(time.Minute) {
		t.Fatalf("the server goes on though its disk has failed %d times; it printed:\n%s", disk.hits.Load(), &p.stderr)
	}
	wg.Wait()
	disk.fault.Store(nil)
	p.checkEnd(t)
	if disk.hits.Load() == 0 {
		t.Error("the disk did not fail")
	}
	s := settletest.Start(t, settletest.Options{Dir: dir, Identity: identity})
	k.verify(t, client{s.AdminURL()})
	s.Stop()
	check(t, s)
}

// watched is a server on a faulty disk.
type watched struct {
	cmd    *exec.Cmd
	url    string
	stderr bytes.Buffer // to be read once it has ended
	exited chan struct{}
}

var serving = regexp.MustCompile(`listening on http://(\S+)\n`)

func startOn(t *testing.T, disk *faultyDisk, dir, identity string) *watched {
	t.Helper()
	p := &watched{exited: make(chan struct{})}
	stdout, err := os.Create(filepath.Join(t.TempDir(), "stdout"))
	if err != nil {
		t.Fatal(err)
	}
	defer stdout.Close()
	p.cmd = exec.Command(os.Args[0], "serve", "--data", dir, "--identity", identity, "--listen", "127.0.0.1:0")
	p.cmd.Env = append(append(os.Environ(), disk.env(t)...),
		"COUCHDB_USER="+settletest.AdminName, "COUCHDB_PASSWORD="+settletest.AdminPassword)
	p.cmd.Stdout, p.cmd.Stderr = stdout, &p.stderr
	p.cmd.SysProcAttr = settletest.GroupOfItsOwn()
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = p.cmd.Wait() // its status is looked at
		close(p.exited)
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.exited
	})
	for !p.ended(20 * time.Millisecond) {
		printed, err := os.ReadFile(stdout.Name())
		if err != nil {
			t.Fatal(err)
		}
		if m := serving.FindSubmatch(printed); m != nil {
			p.url = fmt.Sprintf("http://%s:%s@%s", settletest.AdminName, settletest.AdminPassword, bytes.TrimSuffix(m[1], []byte("/")))
			return p
		}
	}
	t.Fatalf("the server ended before it listened: %s", &p.stderr)
	return nil
}

// ended waits for the end of the process.
func (p *watched) ended(atMost time.Duration) bool {
	select {
	case <-p.exited:
		return true
	case <-time.After(atMost):
		return false
	}
}

// checkEnd wants status 1 and a last line that says what has happened. Before it stands
// nothing but requests that failed.
func (p *watched) checkEnd(t *testing.T) {
	t.Helper()
	if state := p.cmd.ProcessState; state.ExitCode() != 1 {
		t.Errorf("the server ended with %v, want status 1", state)
	}
	lines := strings.Split(strings.TrimSuffix(p.stderr.String(), "\n"), "\n")
	last := len(lines) - 1
	if !strings.HasPrefix(lines[last], "settle: the store can be written no more") ||
		!strings.Contains(lines[last], "input/output error") {
		t.Errorf("the server's last line does not say what has happened:\n%s", &p.stderr)
	}
	for _, line := range lines[:last] {
		if !strings.Contains(line, `level=ERROR msg="a request failed"`) {
			t.Errorf("the server printed %s", line)
		}
	}
}
