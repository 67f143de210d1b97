package remote

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"testing"
	"time"

	"settle/replication"
)

func TestGuard(t *testing.T) {
	for _, tt := range []struct {
		list, host, addr string
		want             bool
	}{
		{"public", "x", "93.184.216.34", true}, {"public", "x", "2606:2800:220:1::1", true},
		{"public", "x", "127.0.0.1", false}, {"public", "x", "::1", false}, {"public", "x", "10.1.2.3", false}, {"public", "x", "192.168.0.1", false},
		{"public", "x", "172.16.0.1", false}, {"public", "x", "169.254.169.254", false}, {"public", "x", "fe80::1", false}, {"public", "x", "fd00::1", false},
		{"public", "x", "0.0.0.0", false}, {"public", "x", "::", false}, {"public", "x", "100.64.0.1", false}, {"public", "x", "224.0.0.1", false},
		{"public", "x", "255.255.255.255", false}, {"public", "x", "::ffff:127.0.0.1", false}, {"public", "x", "64:ff9b::7f00:1", false},
		{"public", "x", "2002:7f00:1::", false}, {"public", "x", "::127.0.0.1", false}, {"public", "x", "fe80::1%eth0", false},
		{"", "x", "93.184.216.34", false}, {"private", "x", "10.1.2.3", true}, {"private", "x", "93.184.216.34", false}, {"all", "x", "127.0.0.1", true},
		{"10.0.0.0/8", "x", "10.1.2.3", true}, {"10.0.0.0/8", "x", "::ffff:10.1.2.3", true}, {"10.0.0.0/8", "x", "11.0.0.1", false},
		{"127.0.0.1, [::1]", "x", "::1", true}, {"couch.internal", "Couch.Internal.", "10.1.2.3", true}, {"couch.internal", "evil", "10.1.2.3", false},
	} {
		g, err := ParseGuard(tt.list)
		if err != nil {
			t.Fatal(err)
		}
		if got := g.allows(tt.host, netip.MustParseAddr(tt.addr)); got != tt.want {
			t.Errorf("%q, %s at %s: got %v", tt.list, tt.host, tt.addr, got)
		}
	}
	for _, bad := range []string{"http://x", "a b", "10.0.0.0/99", "*", "x:80"} {
		if _, err := ParseGuard(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

func TestOwnAddress(t *testing.T) {
	g, _ := ParseGuard("public")
	for _, tt := range []struct {
		listener, to string
		want         bool
	}{
		{"127.0.0.1:5984", "127.0.0.1:5984", true}, {"127.0.0.1:5984", "127.0.0.1:22", false}, {"127.0.0.1:5984", "127.0.0.2:5984", false},
		{"0.0.0.0:5984", "127.0.0.1:5984", true}, {"[::]:5984", "127.0.0.1:5984", true}, {"[::]:5984", "10.255.255.254:5984", false},
	} {
		if got := g.WithOwn(netip.MustParseAddrPort(tt.listener)).isOwn(netip.MustParseAddrPort(tt.to)); got != tt.want {
			t.Errorf("%s, %s: got %v", tt.listener, tt.to, got)
		}
	}
}

func open(t *testing.T, where string, guard *Guard) error {
	t.Helper()
	spec, err := replication.ParseSpec([]byte(`{"source":"`+where+`","target":"x"}`), replication.StandardTuning())
	if err != nil {
		t.Fatal(err)
	}
	r, err := New(&spec.Source, Options{Guard: guard, Timeout: 5 * time.Second, Connections: 2, UseBulkGet: true})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	_, err = r.Open(t.Context())
	return err
}

// A name that resolves to a private address is refused when the connection is made,
// and so is one that a peer redirects to. The server behind it sees nothing.
func TestGuardBeforeConnecting(t *testing.T) {
	asked := 0
	private := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { asked++ }))
	defer private.Close()
	guard, _ := ParseGuard("public")
	u, _ := url.Parse(private.URL)
	if err := open(t, "http://localhost:"+u.Port()+"/db", guard); !errors.Is(err, &replication.Error{Kind: replication.Forbidden}) {
		t.Errorf("a name: got %v", err)
	}
	redirects := httptest.NewServer(http.RedirectHandler("http://localhost:"+u.Port()+"/db", http.StatusFound))
	defer redirects.Close()
	own, _ := netip.ParseAddrPort(redirects.Listener.Addr().String())
	if err := open(t, redirects.URL+"/db", guard.WithOwn(own)); !errors.Is(err, &replication.Error{Kind: replication.Forbidden}) {
		t.Errorf("a redirect: got %v", err)
	}
	if asked != 0 {
		t.Errorf("the private server was asked %d times", asked)
	}
}

// withSecrets makes the remote of a database with a name, a password and a header.
func withSecrets(t *testing.T, server string) *Remote {
	t.Helper()
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	spec, err := replication.ParseSpec([]byte(`{"source":{"url":"http://u:p@`+u.Host+`/db","headers":{"X-Key":"secret"}},"target":"x"}`), replication.StandardTuning())
	if err != nil {
		t.Fatal(err)
	}
	r, err := New(&spec.Source, Options{Guard: OpenGuard(), Timeout: time.Minute, Connections: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

// A host that is told of by redirects, of the log-in too, gets no password.
func TestPasswordsDoNotFollowRedirects(t *testing.T) {
	var asked []string
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Method+" "+r.URL.Path)
		if len(r.Header["Authorization"])+len(r.Header["Cookie"])+len(r.Header["X-Key"]) > 0 {
			t.Errorf("%s got %v", r.URL, r.Header)
		}
		w.Write([]byte(`{"db_name":"db","update_seq":"0","instance_start_time":"0"}`))
	}))
	defer other.Close()
	first := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL+r.URL.Path, http.StatusMovedPermanently)
	}))
	defer first.Close()
	r := withSecrets(t, first.URL)
	for range 3 {
		if _, err := r.Open(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if want := []string{"GET /db", "GET /db", "GET /db"}; !slices.Equal(asked, want) {
		t.Errorf("the other host was asked %q", asked)
	}
}

// Name, password and headers stay with the host that they are for.
func TestCredentialsDoNotFollowRedirects(t *testing.T) {
	var got http.Header
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r.Header.Clone()
		w.Write([]byte(`{"db_name":"db","update_seq":"0","instance_start_time":"0"}`))
	}))
	defer other.Close()
	var direct http.Header
	first := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/_session" {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		direct = r.Header.Clone()
		http.Redirect(w, r, other.URL+"/db", http.StatusFound)
	}))
	defer first.Close()
	r := withSecrets(t, first.URL)
	if _, err := r.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	if direct.Get("Authorization") == "" || direct.Get("X-Key") != "secret" {
		t.Errorf("the endpoint got %v", direct)
	}
	for _, name := range []string{"Authorization", "Cookie", "X-Key"} {
		if v := got.Get(name); v != "" {
			t.Errorf("%s went along: %s", name, v)
		}
	}
}
