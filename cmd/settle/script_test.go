package main

import (
	"bufio"
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"settle": main, "age-plugin-asks": pluginThatAsks})
}

// TestScripts runs the command's stories in testdata. Beside testscript's own
// commands they have:
//
//	serve ARG...             starts "settle serve ARG..." on a free port and waits until it listens;
//	                         standard output so far is in the file out, the address in $URL
//	terminate                ends it by SIGTERM, and fails unless it exits 0 within ten seconds
//	http STATUS METHOD PATH [BODY]
//	                         sends a request as admin:pass, the body from a file where it begins with @; the answer is in the file answer
//	listing DIR FILE         writes names, modes and contents' hashes of a directory to a file
//	mode MODE FILE           fails unless the file has the mode
//	bits FILE OFFSET         flips the bits of one byte of a file; a negative offset counts from its end
//	plugin FILE              makes an identity of the age plugin "asks", which wants the PIN 1234
//	certificate NAME CERT KEY
//	                         makes a self-signed certificate of 127.0.0.1 and its key, in PEM files
//	shows NAME               fails unless the server shows the certificate of that name within five seconds, and speaks HTTP/2
//	exit CODE ARG...         runs settle and fails unless it exits with the code
//
// The condition mounts says whether mount works, in a namespace of its own.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(env *testscript.Env) error {
			env.Setenv("HOME", env.Getenv("WORK")+"/home")
			env.Setenv("COUCHDB_USER", "admin")
			env.Setenv("COUCHDB_PASSWORD", "pass")
			return nil
		},
		Condition: func(name string) (bool, error) {
			if name != "mounts" {
				return false, fmt.Errorf("unknown condition %s", name)
			}
			return exec.Command("unshare", "-rm", "true").Run() == nil, nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"serve": cmdServe, "terminate": cmdTerminate, "http": cmdHTTP,
			"certificate": cmdCertificate, "shows": cmdShows,
			"listing": cmdListing, "mode": cmdMode, "bits": cmdBits, "exit": cmdExit, "plugin": cmdPlugin,
		},
	})
}

// servers holds the running servers of all scripts, by process id.
var servers sync.Map

// process is a running "settle serve" of a script.
type process struct {
	cmd    *exec.Cmd
	stderr *strings.Builder
}

// command prepares settle with a script's directory and environment.
func command(ts *testscript.TestScript, args ...string) *exec.Cmd {
	cmd := exec.Command("settle", args...)
	var err error
	cmd.Path, err = exec.LookPath("settle")
	ts.Check(err)
	cmd.Dir = ts.MkAbs(".")
	for _, name := range []string{"HOME", "PATH", "COUCHDB_USER", "COUCHDB_PASSWORD", "SETTLE_DATA", "SETTLE_IDENTITY", "SETTLE_LISTEN", "SETTLE_TLS_CERT", "SETTLE_TLS_KEY", "SETTLE_CONFIG", "SETTLE_CORS_PRESET", "SETTLE_SET", "COUCHDB_SECRET", "XDG_CONFIG_HOME", "CREDENTIALS_DIRECTORY", "SETTLE_PIN_FILE", "SETTLE_NEED_IDENTITY"} {
		if value := ts.Getenv(name); value != "" {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
	}
	return cmd
}

func cmdServe(ts *testscript.TestScript, neg bool, args []string) {
	s := &process{cmd: command(ts, append([]string{"serve", "--listen", "127.0.0.1:0"}, args...)...), stderr: &strings.Builder{}}
	s.cmd.Stderr = s.stderr
	stdout, err := s.cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(s.cmd.Start())
	ts.Defer(func() { s.cmd.Process.Kill(); s.cmd.Wait() })
	var out strings.Builder
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		fmt.Fprintln(&out, lines.Text())
		if url, ok := strings.CutPrefix(lines.Text(), "listening on "); ok {
			ts.Setenv("URL", url)
			ts.Setenv("HOST", url[strings.LastIndex(url, "/")+1:])
			ts.Check(os.WriteFile(ts.MkAbs("out"), []byte(out.String()), 0o600))
			ts.Setenv("SERVER", strconv.Itoa(s.cmd.Process.Pid))
			servers.Store(ts.Getenv("SERVER"), s)
			return
		}
	}
	s.cmd.Wait()
	ts.Fatalf("the server ended early:\n%s%s", out.String(), s.stderr.String())
}

func cmdTerminate(ts *testscript.TestScript, neg bool, args []string) {
	running, ok := servers.LoadAndDelete(ts.Getenv("SERVER"))
	if !ok {
		ts.Fatalf("no server is running")
	}
	s := running.(*process)
	ts.Check(s.cmd.Process.Signal(syscall.SIGTERM))
	late := time.AfterFunc(time.Minute, func() { s.cmd.Process.Kill() })
	defer late.Stop()
	if err := s.cmd.Wait(); err != nil {
		ts.Fatalf("the server ended with %v:\n%s", err, s.stderr.String())
	}
	ts.Check(os.WriteFile(ts.MkAbs("log"), []byte(s.stderr.String()), 0o600))
}

func cmdHTTP(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 3 {
		ts.Fatalf("usage: http STATUS METHOD PATH [BODY]")
	}
	body := strings.Join(args[3:], " ")
	if name, ok := strings.CutPrefix(body, "@"); ok {
		body = ts.ReadFile(name)
	}
	req, err := http.NewRequest(args[1], ts.Getenv("URL")+args[2], strings.NewReader(body))
	ts.Check(err)
	req.SetBasicAuth("admin", "pass")
	res, err := anyCertificate.Do(req)
	ts.Check(err)
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	ts.Check(err)
	if strconv.Itoa(res.StatusCode) != args[0] {
		ts.Fatalf("%s %s: %d %s", args[1], args[2], res.StatusCode, answer)
	}
	ts.Check(os.WriteFile(ts.MkAbs("answer"), answer, 0o600))
}

func cmdListing(ts *testscript.TestScript, neg bool, args []string) {
	var out strings.Builder
	root := ts.MkAbs(args[0])
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(root, path)
		fmt.Fprintf(&out, "%v %s", info.Mode(), name)
		if d.Type().IsRegular() {
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			fmt.Fprintf(&out, " %d %x", len(content), sha256.Sum256(content))
		}
		fmt.Fprintln(&out)
		return nil
	})
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(out.String()), 0o600))
}

func cmdMode(ts *testscript.TestScript, neg bool, args []string) {
	info, err := os.Stat(ts.MkAbs(args[1]))
	ts.Check(err)
	if got := fmt.Sprintf("%04o", info.Mode().Perm()); got != args[0] {
		ts.Fatalf("%s has mode %s", args[1], got)
	}
}

func cmdBits(ts *testscript.TestScript, neg bool, args []string) {
	name := ts.MkAbs(args[0])
	content, err := os.ReadFile(name)
	ts.Check(err)
	at, err := strconv.Atoi(args[1])
	ts.Check(err)
	if at < 0 {
		at += len(content)
	}
	content[at] ^= 0xff
	ts.Check(os.WriteFile(name, content, 0o600))
}

func cmdExit(ts *testscript.TestScript, neg bool, args []string) {
	cmd := command(ts, args[1:]...)
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	ts.Check(os.WriteFile(ts.MkAbs("out"), []byte(stdout.String()), 0o600))
	ts.Check(os.WriteFile(ts.MkAbs("err"), []byte(stderr.String()), 0o600))
	if got := strconv.Itoa(cmd.ProcessState.ExitCode()); got != args[0] {
		ts.Fatalf("exit code %s (%v):\n%s%s", got, err, stdout.String(), stderr.String())
	}
}
