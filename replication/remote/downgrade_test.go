package remote_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
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
