package remote_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"settle/replication"
	"settle/replication/remote"
)

// What is asked for with encryption goes nowhere without it, wherever a peer redirects.
func TestRedirectWithoutEncryption(t *testing.T) {
	var asked atomic.Int64
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		w.Header().Set("Content-Type", "application/json")
		w.Write([]byte(`{"db_name":"db","update_seq":"0","instance_start_time":"0"}`))
	}))
	defer plain.Close()
	front := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, plain.URL+r.URL.Path, http.StatusFound)
	}))
	defer front.Close()
	r, err := remote.New(&replication.Endpoint{URL: front.URL + "/db/"}, remote.Options{Guard: remote.OpenGuard(), Timeout: time.Minute, Connections: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for range 2 {
		if _, err := r.Open(t.Context()); !errors.Is(err, &replication.Error{Kind: replication.Forbidden}) {
			t.Errorf("%v", err)
		}
		if _, err := r.Write(t.Context(), one("a")); err == nil {
			t.Error("a document was sent")
		}
	}
	if n := asked.Load(); n != 0 {
		t.Errorf("%d requests went there", n)
	}
}

// A place that is neither the endpoint's own nor one of its host with encryption learns
// nothing of who asks.
func TestRedirectToStrangers(t *testing.T) {
	var asked atomic.Int64
	strangers := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		body, _ := io.ReadAll(r.Body)
		if said := fmt.Sprint(r.URL, r.Header, string(body)); strings.Contains(said, "secret") || r.Header.Get("Authorization") != "" || r.Header.Get("Cookie") != "" {
			t.Errorf("%s learns %s", r.Host, said)
		}
		w.Header().Set("Content-Type", "application/json")
		w.Write([]byte(`{"db_name":"db","update_seq":"0","instance_start_time":"0"}`))
	})
	plain, secure := httptest.NewServer(strangers), httptest.NewTLSServer(strangers)
	defer plain.Close()
	defer secure.Close()
	for _, to := range []string{plain.URL, strings.Replace(secure.URL, "127.0.0.1", "localhost", 1)} {
		front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, to+r.URL.Path, http.StatusFound)
		}))
		defer front.Close()
		e := &replication.Endpoint{URL: front.URL + "/db/", User: "u", Password: "secret", Headers: []replication.Header{{Name: "X-Token", Value: "secret"}}}
		r, err := remote.New(e, remote.Options{Guard: remote.OpenGuard(), Timeout: time.Minute, Connections: 1})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		before := asked.Load()
		for range 2 {
			r.Open(t.Context())
			r.Write(t.Context(), one("a"))
		}
		if asked.Load() == before {
			t.Errorf("nothing was asked of %s", to)
		}
	}
}
