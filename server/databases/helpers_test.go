package databases_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"settle/server/auth"
	"settle/server/databases"
	"settle/server/web"
	"settle/server/web/webtest"
	"settle/storage"
	"settle/storage/couch"
	"settle/storage/docjson"
	"settle/storage/storagetest"
)

// bench is a server of these endpoints over a store in memory.
type bench struct {
	t       *testing.T
	store   *storage.Store
	handler http.Handler
}

func newBench(t *testing.T) *bench {
	t.Helper()
	store := storagetest.Open(t)
	family := databases.New(store, slog.New(slog.DiscardHandler))
	t.Cleanup(family.Close)
	b := &bench{t: t, store: store}
	o := webtest.Options(webtest.In(store))
	admin := o.Authenticate
	o.Authenticate = func(req *http.Request) (auth.Session, error) {
		if req.Header.Get("Anonymous") != "" {
			return auth.Session{}, nil
		}
		return admin(req)
	}
	o.Challenge = func(*http.Request) string { return "" }
	o.Limits = func() couch.Limits { return couch.Limits{MaxInfos: 100} }
	b.handler = web.NewHandler(o, family.Routes())
	return b
}

// do makes a request; a body of "-" is none.
func (b *bench) do(method, target, body string) *httptest.ResponseRecorder {
	req := httptest.NewRequest(method, target, strings.NewReader(body))
	if body == "-" {
		req = httptest.NewRequest(method, target, nil)
	} else {
		req.Header.Set("Content-Type", "application/json")
	}
	rec := httptest.NewRecorder()
	b.handler.ServeHTTP(rec, req)
	return rec
}

// exchange is a request and what the answer must be.
type exchange struct {
	method, target, body string
	status               int
	want                 string // the answer, or with "…" in front a part of it; "": any
}

func (b *bench) play(exchanges []exchange) {
	b.t.Helper()
	for _, e := range exchanges {
		rec := b.do(e.method, e.target, e.body)
		got := strings.TrimSuffix(rec.Body.String(), "\n")
		part, isPart := strings.CutPrefix(e.want, "…")
		if rec.Code != e.status || isPart && !strings.Contains(got, part) || !isPart && e.want != "" && got != e.want {
			b.t.Errorf("%s %s %s:\n%d %s\nwant\n%d %s", e.method, e.target, e.body, rec.Code, got, e.status, e.want)
		}
	}
}

// create makes a database with documents, given as id or id=JSON; an id behind
// "-" is deleted.
func (b *bench) create(name string, docs ...string) *storage.Database {
	b.t.Helper()
	db, err := b.store.CreateDatabase(b.t.Context(), name, storage.CreateOptions{})
	if err != nil {
		b.t.Fatal(err)
	}
	b.write(name, docs...)
	return db
}

// write writes documents as create does.
func (b *bench) write(name string, docs ...string) {
	b.t.Helper()
	db, err := b.store.Database(b.t.Context(), name)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, text := range docs {
		id, body, ok := strings.Cut(text, "=")
		if !ok {
			body = "{}"
		}
		id, deleted := strings.CutPrefix(id, "-")
		parsed, err := docjson.NewReader(strings.NewReader(body)).Document(docjson.Options{})
		if err != nil {
			b.t.Fatal(err)
		}
		results, err := db.BulkDocs(b.t.Context(), storage.Docs(&couch.Document{ID: couch.DocID(id), Deleted: deleted, Body: parsed.Body}))
		if err != nil || results[0].Err != nil {
			b.t.Fatal(err, results)
		}
	}
}
