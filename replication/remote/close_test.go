package remote_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"settle/replication"
	"settle/replication/remote"
)

// Connections that nobody uses end with the database that they lead to.
func TestClose(t *testing.T) {
	ended := make(chan struct{})
	end := sync.OnceFunc(func() { close(ended) })
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Write([]byte(`{"db_name":"db","update_seq":"0","instance_start_time":"0"}`))
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateClosed {
			end()
		}
	}
	server.Start()
	defer server.Close()
	r, err := remote.New(&replication.Endpoint{URL: server.URL + "/db/"}, remote.Options{Guard: remote.OpenGuard(), Timeout: time.Hour, Connections: 1})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.Close()
	select {
	case <-ended:
	case <-time.After(30 * time.Second): // they are idle for longer
		t.Error("a connection is left")
	}
}
