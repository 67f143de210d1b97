package find_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"settle/server/find"
	"settle/server/web"
	"settle/server/web/webtest"
	"settle/storage"
	"settle/storage/storagetest"
	"settle/storage/view"
)

var _ find.Database = (*storage.Database)(nil)

// bench is a server of this family over a database, "db".
type bench struct {
	t       testing.TB
	handler http.Handler
	db      *storage.Database
	set     find.Settings
}

func (b *bench) settings() find.Settings { return b.set }

func newBench(t testing.TB, o storage.CreateOptions) *bench {
	store := storagetest.Open(t)
	b := &bench{t: t, db: storagetest.Database(t, store, "db", o), set: find.Settings{Limit: 25, ScanWarning: 10}}
	indexes := view.New(view.Options{})
	t.Cleanup(func() { indexes.Close() })
	b.handler = web.NewHandler(webtest.Options(webtest.In(store)), find.New(indexes, b.settings).Routes())
	return b
}

// send makes a request and returns the answer.
func (b *bench) send(method, path, body string) (int, string) {
	b.t.Helper()
	req := httptest.NewRequest(method, path, strings.NewReader(body))
	req.Header.Set("Content-Type", "application/json")
	res := httptest.NewRecorder()
	b.handler.ServeHTTP(res, req)
	return res.Code, res.Body.String()
}

// must is send for a request that succeeds.
func (b *bench) must(method, path, body string) string {
	b.t.Helper()
	status, answer := b.send(method, path, body)
	if status != http.StatusOK {
		b.t.Fatalf("%s %s %s: %d %s", method, path, body, status, answer)
	}
	return answer
}
