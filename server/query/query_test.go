package query_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"settle/server/query"
	"settle/server/web"
	"settle/server/web/webtest"
	"settle/storage"
	"settle/storage/design"
	"settle/storage/storagetest"
	"settle/storage/view"
	"settle/storage/view/javascript"
)

var _ query.Database = (*storage.Database)(nil)

// newHandler returns a server of this family over a store.
func newHandler(t testing.TB, store *storage.Store) http.Handler {
	t.Helper()
	engine := design.New(design.Options{})
	indexes := view.New(view.Options{Functions: javascript.Functions(engine)})
	t.Cleanup(func() {
		indexes.Close()
		engine.Close()
	})
	return web.NewHandler(webtest.Options(webtest.In(store)), query.New(indexes).Routes())
}

// views is a design document over documents with members n and, some of them, other.
const views = `{"_id":"_design/v","views":{
	"n":{"map":"function(doc){ emit(doc.n, doc.other ? {_id: doc.other} : null); }"},
	"pair":{"map":"function(doc){ emit([doc.n % 2, doc.n], doc.n); }","reduce":"_sum"}}}`

func send(t testing.TB, h http.Handler, method, path, body string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	req := httptest.NewRequest(method, path, strings.NewReader(body))
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res := httptest.NewRecorder()
	h.ServeHTTP(res, req)
	return res
}

func TestQueries(t *testing.T) {
	store := storagetest.Open(t)
	db := storagetest.Database(t, store, "db", storage.CreateOptions{})
	storagetest.Write(t, db, views, `{"_id":"a","n":1,"other":"b"}`, `{"_id":"b","n":2}`, `{"_id":"c","n":3}`)
	h := newHandler(t, store)
	for _, tt := range []struct {
		method, path, body string
		status             int
		want               string // of the answer, without line breaks
	}{
		{"GET", "n?limit=1", "", 200, `{"total_rows":3,"offset":0,"rows":[{"id":"a","key":1,"value":{"_id":"b"}}]}`},
		{"GET", "n?key=1&include_docs=true", "", 200, `"value":{"_id":"b"},"doc":{"_id":"b","_rev":`},
		{"GET", "n?startkey=2&startkey_docid=z", "", 200, `"offset":2,"rows":[{"id":"c"`},
		{"GET", "n?descending=true&skip=1&limit=1", "", 200, `"offset":1,"rows":[{"id":"b"`},
		{"GET", "pair", "", 200, `{"rows":[{"key":null,"value":6}]}`},
		{"GET", "pair?group_level=1", "", 200, `{"rows":[{"key":[0],"value":2},{"key":[1],"value":4}]}`},
		{"GET", "pair?group=true&descending=true&limit=1", "", 200, `{"rows":[{"key":[1,3],"value":3}]}`},
		{"GET", "pair?reduce=false&keys=[[1,3],[0,2],[9]]", "", 200, `"rows":[{"id":"c","key":[1,3],"value":3},{"id":"b","key":[0,2],"value":2}]`},
		{"POST", "pair", `{"keys":[[1,3]]}`, 400, `Multi-key fetches for reduce views must use`},
		{"POST", "pair", `{"keys":[[1,3]],"group":true}`, 200, `{"rows":[{"key":[1,3],"value":3}]}`},
		{"GET", "pair?update_seq=true", "", 200, `{"update_seq":"4-`},
		{"GET", "pair?group=false&group_level=2", "", 400, `group=false and group_level`},
		{"GET", "pair?conflicts=false", "", 400, `invalid for reduce`},
		{"GET", "pair?conflicts=false&reduce=false&limit=0", "", 200, `"rows":[]`},
		{"GET", "none", "", 404, `missing_named_view`},
		{"GET", "n?reduce=true", "", 400, `query_parse_error`},
		{"POST", "n", `{"queries":[]}`, 400, `no longer supported`},
		{"POST", "n/queries", `{"queries":[{"limit":1},{"key":3}]}`, 200, `{"results":[{"total_rows":3,"offset":0,"rows":[{"id":"a"`},
		{"POST", "n/queries", `{"queries":[{"limit":1},{"group":true}]}`, 400, `Invalid use of grouping`},
	} {
		res := send(t, h, tt.method, "/db/_design/v/_view/"+tt.path, tt.body)
		got := strings.NewReplacer("\r\n", "", "\n", "").Replace(res.Body.String())
		if res.Code != tt.status || !strings.Contains(got, tt.want) {
			t.Errorf("%s %s %s: %d %s, want %d %s", tt.method, tt.path, tt.body, res.Code, got, tt.status, tt.want)
		}
	}
}

func TestEntityTags(t *testing.T) {
	store := storagetest.Open(t)
	db := storagetest.Database(t, store, "db", storage.CreateOptions{})
	storagetest.Write(t, db, views, `{"_id":"a","n":1}`)
	h := newHandler(t, store)
	const path = "/db/_design/v/_view/n"
	tag := send(t, h, "GET", path, "").Header().Get("ETag")
	if res := send(t, h, "GET", path, "", "If-None-Match", tag); tag == "" || res.Code != http.StatusNotModified {
		t.Errorf("the tag %q: %d", tag, res.Code)
	}
	if res := send(t, h, "GET", path+"?limit=1", "", "If-None-Match", tag); res.Code != http.StatusOK {
		t.Errorf("another query: %d", res.Code)
	}
	if res := send(t, h, "GET", path+"?include_docs=true", ""); res.Header().Get("ETag") != "" {
		t.Error("documents change without the tag of the rows")
	}
	storagetest.Write(t, db, `{"_id":"b","n":2}`)
	if res := send(t, h, "GET", path, "", "If-None-Match", tag); res.Code != http.StatusOK {
		t.Errorf("after a write: %d", res.Code)
	}
}

func TestCleanUpKeepsWhatIsUsed(t *testing.T) {
	store := storagetest.Open(t)
	db := storagetest.Database(t, store, "db", storage.CreateOptions{})
	revs := storagetest.Write(t, db, views, `{"_id":"a","n":1}`)
	h := newHandler(t, store)
	count := func() (n int) {
		t.Helper()
		if res := send(t, h, "GET", "/db/_design/v/_view/n", ""); res.Code != 200 && res.Code != 404 {
			t.Fatal(res.Body)
		}
		if res := send(t, h, "POST", "/db/_view_cleanup", ""); res.Code != http.StatusAccepted {
			t.Fatal(res.Body)
		}
		for _, err := range db.Indexes(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			n++
		}
		return n
	}
	if n := count(); n != 1 {
		t.Errorf("%d indexes, want 1", n)
	}
	storagetest.Write(t, db, fmt.Sprintf(`{"_id":"_design/v","_rev":%q,"_deleted":true}`, revs[0]))
	if n := count(); n != 0 {
		t.Errorf("%d indexes are left of none", n)
	}
}
