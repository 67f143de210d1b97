package settletest

import (
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// The administrator that every server is started with.
const (
	AdminName     = "admin"
	AdminPassword = "pass"
)

// logLimit bounds what a failed test logs of a server's output.
const logLimit = 4 << 10

// Options say how a server is started. The zero value is a fresh store on a
// free port of the loopback interface.
type Options struct {
	Binary   string       // default: Binary(t)
	Dir      string       // data directory; default: one that ends with the test
	Identity string       // identity file; default: a new one beside no data
	Listen   string       // default: 127.0.0.1:0
	TLS      *Certificate // serves with TLS; default: without
	Env      []string     // NAME=value, over the test's own environment
	Args     []string     // further arguments of "settle serve"
}

// Server is a running settle. It ends with its test, which fails if the server
// does not end cleanly or leaves a process behind. It must be used by one
// goroutine at a time.
type Server struct {
	t       testing.TB
	options Options
	process *process
}

// Start runs a server and returns once it answers GET /_up.
func Start(t testing.TB, options Options) *Server {
	t.Helper()
	if options.Binary == "" {
		options.Binary = Binary(t)
	}
	if options.Dir == "" {
		options.Dir = filepath.Join(t.TempDir(), "data")
	}
	if options.Identity == "" {
		options.Identity = filepath.Join(t.TempDir(), "identity")
	}
	if options.Listen == "" {
		options.Listen = "127.0.0.1:0"
	}
	s := &Server{t: t, options: options}
	s.start()
	t.Cleanup(s.finish)
	return s
}

func (s *Server) start() {
	s.t.Helper()
	args := append([]string{"serve", "--data", s.options.Dir, "--listen", s.options.Listen, "--identity", s.options.Identity}, s.options.Args...)
	cert := s.options.TLS
	if cert != nil {
		args = append(args, "--tls-cert", cert.Cert, "--tls-key", cert.Key)
	}
	cmd := exec.Command(s.options.Binary, args...)
	cmd.Env = append(append(os.Environ(), "COUCHDB_USER="+AdminName, "COUCHDB_PASSWORD="+AdminPassword), s.options.Env...)
	p, err := launch(cmd, cert)
	if err != nil {
		s.t.Fatalf("settle serve: %v", err)
	}
	s.process = p
}

func (s *Server) finish() {
	if s.process.running() {
		s.Stop()
	}
	if s.t.Failed() {
		out := s.Output()
		s.t.Logf("end of the output of settle on %s:\n%s", s.options.Dir, out[max(0, len(out)-logLimit):])
	}
}

// URL is the server's address, without credentials and final slash.
func (s *Server) URL() string { return s.process.url }

// AdminURL is the server's address with the administrator's credentials.
func (s *Server) AdminURL() string {
	u, err := url.Parse(s.process.url)
	if err != nil {
		s.t.Fatalf("the server named a bad address: %v", err)
	}
	u.User = url.UserPassword(AdminName, AdminPassword)
	return u.String()
}

// Dir is the data directory.
func (s *Server) Dir() string { return s.options.Dir }

// Identity is the path of the identity file.
func (s *Server) Identity() string { return s.options.Identity }

// Output is what the server has printed since it was last started.
func (s *Server) Output() string { return s.process.out.String() }

// Pid is the process id, for tests that look at memory and open files.
func (s *Server) Pid() int { return s.process.cmd.Process.Pid }

// Stop asks the server to end (SIGTERM); the test fails unless it does so with
// status 0 within ten seconds.
func (s *Server) Stop() {
	s.t.Helper()
	if err := s.process.stop(); err != nil {
		s.t.Errorf("stopping settle: %v", err)
	}
}

// Kill ends the server as a crash would (SIGKILL) and waits until it is gone.
func (s *Server) Kill() {
	s.t.Helper()
	if err := s.process.kill(); err != nil {
		s.t.Errorf("killing settle: %v", err)
	}
}

// Restart starts the server again, on the same data, identity and address.
// If it still runs it is stopped first.
func (s *Server) Restart() {
	s.t.Helper()
	if s.process.running() {
		s.Stop()
	}
	u, err := url.Parse(s.process.url)
	if err != nil {
		s.t.Fatalf("the server named a bad address: %v", err)
	}
	s.options.Listen = u.Host
	s.start()
}
