package crash_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"testing"

	"settle/compat-tests/settletest"
)

func TestMain(m *testing.M) { os.Exit(settletest.Main(m)) }

// client speaks HTTP with one server as its administrator.
type client struct{ url string }

// answer is a status and a JSON body.
type answer struct {
	status int
	body   map[string]any
}

// try sends a request; the error is one of the connection.
func (c client) try(method, path string, body []byte) (answer, error) {
	req, err := http.NewRequest(method, c.url+path, bytes.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		return answer{}, err
	}
	a := answer{status: res.StatusCode}
	if err := json.Unmarshal(raw, &a.body); err != nil && len(raw) > 0 && raw[0] == '{' {
		return a, fmt.Errorf("%s: %w", raw, err)
	}
	return a, nil
}

// must sends a request that is answered with the status.
func (c client) must(t testing.TB, status int, method, path, body string) answer {
	t.Helper()
	a, err := c.try(method, path, []byte(body))
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	if a.status != status {
		t.Fatalf("%s %s: got %d %v, want %d", method, path, a.status, a.body, status)
	}
	return a
}

// raw reads a body that is no JSON.
func (c client) raw(t testing.TB, path string) []byte {
	t.Helper()
	res, err := http.Get(c.url + path)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: %d, %v", path, res.StatusCode, err)
	}
	return raw
}

// check runs settle check on a stopped server's data.
func check(t testing.TB, s *settletest.Server) {
	t.Helper()
	out, err := exec.Command(settletest.Binary(t), "check", "--data", s.Dir(), "--identity", s.Identity()).CombinedOutput()
	if err != nil {
		t.Errorf("settle check: %v\n%s", err, out)
	}
}
