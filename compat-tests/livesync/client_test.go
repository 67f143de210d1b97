package livesync_test

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"settle/compat-tests/settletest"
)

func TestMain(m *testing.M) { os.Exit(settletest.Main(m)) }

// window is the origin of Obsidian's desktop app; the others are those of its
// mobile apps and of its tests.
const window = "app://obsidian.md"

var origins = []string{window, "capacitor://localhost", "http://localhost"}

// device is one Obsidian that speaks with a server, as PouchDB does in its window.
type device struct {
	t      *testing.T
	url    string
	origin string // empty: a program that is no browser
	auth   string // of the Authorization header
}

func newDevice(t *testing.T, s *settletest.Server) device {
	d := device{t: t, url: s.URL(), origin: window}
	return d.as(settletest.AdminName, settletest.AdminPassword)
}

// as returns a device of somebody else.
func (d device) as(name, password string) device {
	req := &http.Request{Header: http.Header{}}
	req.SetBasicAuth(name, password)
	d.auth = req.Header.Get("Authorization")
	return d
}

// from returns a device of another origin.
func (d device) from(origin string) device {
	d.origin = origin
	return d
}

// answer is what a server has answered.
type answer struct {
	status int
	header http.Header
	text   []byte
}

// send makes a request, with a body where it is not empty.
func (d device) send(method, path, body string) *http.Response {
	d.t.Helper()
	req, err := http.NewRequestWithContext(d.t.Context(), method, d.url+path, strings.NewReader(body))
	if err != nil {
		d.t.Fatal(err)
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Content-Type", "application/json") // PouchDB sends it without a body too
	if d.origin != "" {
		req.Header.Set("Origin", d.origin)
	}
	if d.auth != "" {
		req.Header.Set("Authorization", d.auth)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		d.t.Fatalf("%s %s: %v", method, path, err)
	}
	return res
}

// do makes a request and reads the whole answer.
func (d device) do(method, path, body string) answer {
	d.t.Helper()
	res := d.send(method, path, body)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		d.t.Fatalf("%s %s: %v", method, path, err)
	}
	return answer{res.StatusCode, res.Header, text}
}

// want makes a request that must be answered with a status. Its JSON body goes
// into the value, unless that is nil.
func (d device) want(status int, method, path, body string, into any) answer {
	d.t.Helper()
	a := d.do(method, path, body)
	if a.status != status {
		d.t.Fatalf("%s %s: %d %s, want %d", method, path, a.status, a.text, status)
	}
	if into != nil {
		if err := json.Unmarshal(a.text, into); err != nil {
			d.t.Fatalf("%s %s: %s: %v", method, path, a.text, err)
		}
	}
	return a
}

// refusal is the body of an answer that is an error.
type refusal struct{ Error, Reason string }

// allows reports whether a page of an origin may read the answer, with the
// credentials that it sent along.
func (a answer) allows(origin string) bool {
	return a.header.Get("Access-Control-Allow-Origin") == origin && a.header.Get("Access-Control-Allow-Credentials") == "true"
}
