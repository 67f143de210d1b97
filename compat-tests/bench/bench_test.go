package bench

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"settle/compat-tests/settletest"
)

func TestMain(m *testing.M) {
	status := settletest.Main(m)
	if profiling.dir != "" {
		os.RemoveAll(profiling.dir)
	}
	os.Exit(status)
}

// profiling is the binary that shows its profiles; built by the first benchmark.
var profiling struct{ dir, binary string }

// server is a settle that is measured.
type server struct {
	*settletest.Server
	b       *testing.B
	client  *http.Client
	profile string // the address of its profiles, "" where it shows none
}

// start runs a server on an empty store.
func start(b *testing.B) *server {
	b.Helper()
	s := &server{b: b, client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true}}}
	options := settletest.Options{}
	if os.Getenv("SETTLE_BINARY") == "" {
		s.profile = freeAddress(b)
		options.Binary = profilingBinary(b)
		options.Env = []string{"SETTLE_PROFILE=" + s.profile}
	}
	s.Server = settletest.Start(b, options)
	b.Cleanup(s.client.CloseIdleConnections)
	return s
}

func profilingBinary(b *testing.B) string {
	b.Helper()
	if profiling.binary != "" {
		return profiling.binary
	}
	dir, err := os.MkdirTemp("", "settlebench-*")
	if err != nil {
		b.Fatal(err)
	}
	profiling.dir = dir
	path := filepath.Join(dir, "settle")
	cmd := exec.Command("go", "build", "-tags", "profile", "-o", path, "settle/cmd/settle")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("building settle: %v\n%s", err, out)
	}
	profiling.binary = path
	return path
}

func freeAddress(b *testing.B) string {
	b.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// do sends a request as the administrator, reads the whole answer and wants a
// success. It returns how long the answer was.
func (s *server) do(method, path string, body io.Reader, header ...string) int64 {
	s.b.Helper()
	req, err := http.NewRequest(method, s.URL()+path, body)
	if err != nil {
		s.b.Fatal(err)
	}
	req.SetBasicAuth(settletest.AdminName, settletest.AdminPassword)
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := s.client.Do(req)
	if err != nil {
		s.b.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode >= 300 {
		text, _ := io.ReadAll(io.LimitReader(res.Body, 300))
		s.b.Fatalf("%s %s: %s %s", method, path, res.Status, text)
	}
	n, err := io.Copy(io.Discard, res.Body)
	if err != nil {
		s.b.Fatal(err)
	}
	return n
}

// resident returns the server's resident memory, in bytes, as Linux counts it.
// Elsewhere it skips the benchmark.
func (s *server) resident() int64 { return s.status("VmRSS:") }

// peak returns the highest resident memory that the server has had.
func (s *server) peak() int64 { return s.status("VmHWM:") }

func (s *server) status(name string) int64 {
	s.b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.Pid()))
	if err != nil {
		s.b.Skip("the server's memory can only be read where there is /proc")
	}
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); len(fields) == 3 && fields[0] == name {
			kb, err := strconv.ParseInt(fields[1], 10, 64)
			if err != nil {
				s.b.Fatal(err)
			}
			return kb << 10
		}
	}
	s.b.Fatalf("/proc has no %s", name)
	return 0
}

// allocated is what a server has allocated since it began.
type allocated struct{ objects, bytes int64 }

// allocated reads the counters; they stand still where the server shows none.
func (s *server) allocated() allocated {
	text := s.profileText("heap?debug=1")
	return allocated{counter(text, "# Mallocs = "), counter(text, "# TotalAlloc = ")}
}

func (s *server) profileText(name string) []byte {
	if s.profile == "" {
		return nil
	}
	res, err := http.Get("http://" + s.profile + "/debug/pprof/" + name)
	if err != nil {
		s.b.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		s.b.Fatal(err)
	}
	return text
}

func counter(text []byte, name string) int64 {
	_, rest, _ := bytes.Cut(text, []byte(name))
	line, _, _ := bytes.Cut(rest, []byte("\n"))
	n, _ := strconv.ParseInt(string(line), 10, 64)
	return n
}

// reportAllocated reports what the server has allocated for each of n operations.
func (s *server) reportAllocated(before allocated, n int) {
	if s.profile == "" {
		return
	}
	after := s.allocated()
	s.b.ReportMetric(float64(after.objects-before.objects)/float64(n), "server-allocs/op")
	s.b.ReportMetric(float64(after.bytes-before.bytes)/float64(n), "server-B/op")
}

// saveProfile keeps a profile of the server where SETTLE_BENCH_PROFILES says.
func (s *server) saveProfile(name, profile string) {
	dir := os.Getenv("SETTLE_BENCH_PROFILES")
	if dir == "" || s.profile == "" {
		return
	}
	for suffix, text := range map[string][]byte{".pprof": s.profileText(profile), ".memstats": s.profileText("heap?debug=1")} {
		if err := os.WriteFile(filepath.Join(dir, name+suffix), text, 0o600); err != nil {
			s.b.Fatal(err)
		}
	}
}

// size returns a number from the environment.
func size(b *testing.B, name string, otherwise int) int {
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil || n <= 0 {
		b.Fatalf("%s=%s is no number of at least 1", name, text)
	}
	return n
}
