package settletest_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"settle/compat-tests/settletest"
)

// TestMain lets the test binary stand for the settle binary: as a child, with
// FAKE_SETTLE set, it serves /_up and what it finds in its data directory.
func TestMain(m *testing.M) {
	if mode := os.Getenv("FAKE_SETTLE"); mode != "" {
		os.Exit(fakeServe(mode, os.Args[1:]))
	}
	os.Exit(settletest.Main(m))
}

func flagOf(args []string, name string) string {
	i := slices.Index(args, name)
	if i < 0 || i+1 >= len(args) {
		return ""
	}
	return args[i+1]
}

func fakeServe(mode string, args []string) int {
	dir := flagOf(args, "--data")
	if args[0] == "check" {
		return fakeCheck(mode, dir)
	}
	if args[0] != "serve" || dir == "" || flagOf(args, "--identity") == "" ||
		os.Getenv("COUCHDB_USER") != "admin" || os.Getenv("COUCHDB_PASSWORD") != "pass" {
		fmt.Fprintln(os.Stderr, "bad arguments", args)
		return 2
	}
	if mode == "refuses" {
		fmt.Fprintln(os.Stderr, "error: the data directory holds no keyring")
		return 1
	}
	ln, err := net.Listen("tcp", flagOf(args, "--listen"))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if mode == "leaves-child" {
		if err := exec.Command("sleep", "60").Start(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	term := make(chan os.Signal, 1)
	signal.Notify(term, syscall.SIGTERM)
	scheme := "http"
	serve := func() error { return http.Serve(ln, fakeHandler(dir)) }
	if cert := flagOf(args, "--tls-cert"); cert != "" {
		scheme = "https"
		serve = func() error { return http.ServeTLS(ln, fakeHandler(dir), cert, flagOf(args, "--tls-key")) }
	}
	go func() { _ = serve() }() // ends with the process
	fmt.Fprintf(os.Stderr, "level=INFO msg=\"listening on %s://%s\"\n", scheme, ln.Addr())
	<-term
	if mode == "dirty" {
		fmt.Fprintln(os.Stderr, "could not flush")
		return 3
	}
	return 0
}

func fakeCheck(mode, dir string) int {
	if mode == "damaged" {
		fmt.Println("wrong:", dir)
		return 1
	}
	fmt.Println("sound")
	return 0
}

func fakeHandler(dir string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /_up", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, `{"status":"ok"}`) })
	mux.HandleFunc("PUT /{name}", func(w http.ResponseWriter, r *http.Request) {
		data, err := io.ReadAll(r.Body)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, r.PathValue("name")), data, 0o600)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})
	mux.HandleFunc("GET /{name}", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFile(w, r, filepath.Join(dir, r.PathValue("name")))
	})
	return mux
}

func fake(t *testing.T, mode string) settletest.Options {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return settletest.Options{Binary: self, Env: []string{"FAKE_SETTLE=" + mode}}
}

func put(t *testing.T, url, body string) {
	t.Helper()
	req, err := http.NewRequest("PUT", url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatal(resp.Status)
	}
}

func get(t *testing.T, url string) string {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestServerKeepsDataAndAddress(t *testing.T) {
	for _, end := range []string{"kill", "stop", "neither"} {
		t.Run(end, func(t *testing.T) {
			s := settletest.Start(t, fake(t, "plain"))
			first := s.URL()
			put(t, first+"/note", "kept")
			pid := s.Pid()
			switch end {
			case "kill":
				s.Kill()
			case "stop":
				s.Stop()
			}
			s.Restart()
			if s.URL() != first {
				t.Errorf("address after restart: %s, before: %s", s.URL(), first)
			}
			if s.Pid() == pid {
				t.Error("the same process still runs")
			}
			if got := get(t, s.URL()+"/note"); got != "kept" {
				t.Errorf("after restart: %q", got)
			}
			if want := "http://admin:pass@" + strings.TrimPrefix(first, "http://"); s.AdminURL() != want {
				t.Errorf("AdminURL = %s, want %s", s.AdminURL(), want)
			}
			if !strings.Contains(s.Output(), "listening on") {
				t.Errorf("Output = %q", s.Output())
			}
		})
	}
}

func TestServerWithTLS(t *testing.T) {
	options := fake(t, "plain")
	options.TLS = settletest.NewCertificate(t)
	s := settletest.Start(t, options)
	s.Restart()
	if !strings.HasPrefix(s.URL(), "https://127.0.0.1:") {
		t.Errorf("URL = %s", s.URL())
	}
	if resp, err := http.Get(s.URL() + "/_up"); err == nil {
		resp.Body.Close()
		t.Error("a client that does not know the certificate trusts it")
	}
}

// recorder takes what a test would have been told. Fatalf ends the goroutine,
// as a test's does.
type recorder struct {
	testing.TB
	cleanups []func()
	told     strings.Builder
	failed   bool
}

func (r *recorder) Helper()           {}
func (r *recorder) Failed() bool      { return r.failed }
func (r *recorder) Cleanup(fn func()) { r.cleanups = append(r.cleanups, fn) }
func (r *recorder) Logf(format string, args ...any) {
	fmt.Fprintf(&r.told, format+"\n", args...)
}
func (r *recorder) Errorf(format string, args ...any) {
	r.failed = true
	r.Logf(format, args...)
}
func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	panic(r)
}

// runRecorded runs fn as a test of its own and returns what it was told.
func runRecorded(t *testing.T, fn func(testing.TB)) *recorder {
	t.Helper()
	r := &recorder{TB: t}
	func() {
		defer func() {
			if p := recover(); p != nil && p != any(r) {
				panic(p)
			}
		}()
		fn(r)
	}()
	for _, cleanup := range slices.Backward(r.cleanups) {
		cleanup()
	}
	return r
}

func TestServerFailures(t *testing.T) {
	tests := []struct {
		mode string
		want []string
	}{
		{"plain", nil},
		{"refuses", []string{"ended before it listened", "holds no keyring"}},
		{"dirty", []string{"did not end cleanly", "exit status 3", "could not flush"}},
		{"leaves-child", []string{"left processes behind"}},
	}
	for _, tt := range tests {
		t.Run(tt.mode, func(t *testing.T) {
			r := runRecorded(t, func(tb testing.TB) { settletest.Start(tb, fake(t, tt.mode)) })
			if r.failed != (tt.want != nil) {
				t.Errorf("failed = %v; told: %s", r.failed, r.told.String())
			}
			for _, want := range tt.want {
				if !strings.Contains(r.told.String(), want) {
					t.Errorf("told %q, which does not say %q", r.told.String(), want)
				}
			}
		})
	}
}

func TestCheck(t *testing.T) {
	s := settletest.Start(t, fake(t, "plain"))
	if out := s.Check(); out != "sound\n" {
		t.Errorf("Check = %q", out)
	}
	r := runRecorded(t, func(tb testing.TB) { settletest.Start(tb, fake(t, "damaged")).Check() })
	for _, want := range []string{"settle check: exit status 1", "wrong: /"} {
		if !strings.Contains(r.told.String(), want) {
			t.Errorf("told %q, which does not say %q", r.told.String(), want)
		}
	}
}

func TestMissingBinary(t *testing.T) {
	options := settletest.Options{Binary: filepath.Join(t.TempDir(), "none")}
	r := runRecorded(t, func(tb testing.TB) { settletest.Start(tb, options) })
	if !r.failed {
		t.Error("starting a binary that does not exist did not fail")
	}
}

func TestModuleRoot(t *testing.T) {
	root, err := settletest.ModuleRoot()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(root, "compat-tests", "settletest")); err != nil {
		t.Error(err)
	}
}
