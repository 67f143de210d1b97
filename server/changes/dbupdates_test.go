package changes_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"settle/server/auth"
	"settle/server/changes"
	"settle/server/web"
	"settle/storage"
	"settle/storage/couch"
)

// newUpdates serves the feed of a database's documents as events; nil: there is none.
func newUpdates(db *storage.Database, roles ...string) http.Handler {
	return web.NewHandler(web.Options{
		Authenticate: func(*http.Request) (auth.Session, error) {
			return auth.Session{User: couch.UserCtx{Name: "jan", Roles: roles}}, nil
		},
		Challenge: func(*http.Request) string { return "" },
		Limits:    func() couch.Limits { return couch.Limits{} },
		Draining:  make(chan struct{}),
		Detached:  func(run func(context.Context)) { go run(context.Background()) },
		Logger:    slog.New(slog.DiscardHandler),
	}, changes.UpdatesRoutes(func(context.Context) (changes.Database, error) {
		if db == nil {
			return nil, couch.ErrDatabaseMissing
		}
		return db, nil
	}, longest))
}

func TestDatabaseUpdates(t *testing.T) {
	db := newDatabase(t)
	for _, id := range []string{"created:a", "note", "updated:b:c", "_design/x:y"} {
		if _, err := write(t.Context(), db, id, couch.RevID{}); err != nil {
			t.Fatal(err)
		}
	}
	seq := func(n couch.Seq) string { return `"` + db.FormatSeq(n) + `"` }
	first := `{"db_name":"a","type":"created","seq":` + seq(1) + `}`
	second := `{"db_name":"b:c","type":"updated","seq":` + seq(3) + `}`
	list := func(rows string, last couch.Seq) string {
		return "{\"results\":[\n" + rows + "\n],\n\"last_seq\":" + seq(last) + "}\n"
	}
	tests := []struct {
		query, want string
		status      int
	}{
		{"", list(first+",\r\n"+second, 4), 200},
		{"since=" + db.FormatSeq(1), list(second, 4), 200},
		{"since=now", list("", 4), 200},
		{"limit=1", list(first, 1), 200},
		{"descending=true", list(second+",\r\n"+first, 1), 200},
		{"include_docs=true&filter=nonsense&style=x", list(first+",\r\n"+second, 4), 200},
		{"feed=longpoll&since=now&timeout=1", list("", 4), 200},
		{"feed=longpoll", list(first+",\r\n"+second, 4), 200},
		{"feed=bogus", `{"error":"bad_request","reason":"Supported ` + "`feed`" + ` types: normal, continuous, longpoll, eventsource"}` + "\n", 400},
		{"feed=live", `{"error":"bad_request","reason":"Supported ` + "`feed`" + ` types: normal, continuous, longpoll, eventsource"}` + "\n", 400},
		{"LIMIT=1&last-event-id=nonsense&FEED=bogus", list(first+",\r\n"+second, 4), 200},
		{"heartbeat=false", list(first+",\r\n"+second, 4), 200},
		{"heartbeat=0", list(first+",\r\n"+second, 4), 200},
		{"heartbeat=true&descending=false", list(first+",\r\n"+second, 4), 200},
		{"heartbeat=-1", `{"error":"bad_request","reason":"invalid_integer"}` + "\n", 400},
		{"heartbeat=x", `{"error":"bad_request","reason":"invalid_integer"}` + "\n", 400},
		{"timeout=-1", `{"error":"bad_request","reason":"invalid_integer"}` + "\n", 400},
		{"limit=-1", `{"error":"bad_request","reason":"invalid_integer"}` + "\n", 400},
		{"limit=x", `{"error":"bad_request","reason":"invalid_integer"}` + "\n", 400},
	}
	for _, tt := range tests {
		status, body := getUpdates(newUpdates(db, couch.AdminRole), tt.query)
		if status != tt.status || body != tt.want {
			t.Errorf("%s: %d %s, want %d %s", tt.query, status, body, tt.status, tt.want)
		}
	}
	if status, _ := getUpdates(newUpdates(nil, couch.AdminRole), ""); status != 404 {
		t.Errorf("without the database: %d", status)
	}
	if status, _ := getUpdates(newUpdates(db, "someone"), ""); status != 401 {
		t.Errorf("as somebody: %d", status)
	}
}

// TestDatabaseUpdatesStream reads the feeds that go on behind their handlers.
func TestDatabaseUpdatesStream(t *testing.T) {
	db := newDatabase(t)
	if _, err := write(t.Context(), db, "created:a", couch.RevID{}); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(newUpdates(db, couch.AdminRole))
	defer server.Close()
	for kind, want := range map[string]string{
		"continuous":  `{"db_name":"a","type":"created","seq":"` + db.FormatSeq(1) + "\"}\n{\"last_seq\":\"" + db.FormatSeq(1) + "\"}\n",
		"eventsource": "data: {\"seq\":\"" + db.FormatSeq(1) + `","id":"created:a","changes":[{"rev":"1-`,
	} {
		res, err := http.Get(server.URL + "/_db_updates?timeout=1&feed=" + kind)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || len(body) < len(want) || string(body[:len(want)]) != want {
			t.Errorf("%s: %s %v, want %s", kind, body, err, want)
		}
	}
}

func getUpdates(h http.Handler, query string) (status int, body string) {
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, httptest.NewRequest("GET", "/_db_updates?"+query, nil))
	return rec.Code, rec.Body.String()
}
