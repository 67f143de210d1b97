package metadata_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"settle/server/documents"
	"settle/server/metadata"
	"settle/server/web"
	"settle/server/web/webtest"
	"settle/storage"
	"settle/storage/metaview"
	"settle/storage/storagetest"
)

var _ metadata.Database = (*metaview.Database)(nil)

// bench is a handler of documents in the metadata view, over a store in memory with
// one database, "db".
type bench struct {
	handler http.Handler
	db      *storage.Database
	made    int // documents
}

func newBench(t testing.TB) *bench {
	t.Helper()
	b := &bench{db: storagetest.Database(t, storagetest.Open(t), "db", storage.CreateOptions{})}
	o := webtest.Options(func(context.Context, string) (web.Database, error) { return metaview.Metadata(b.db), nil })
	o.Prefix = metadata.Prefix
	b.handler = web.NewHandler(o, documents.Routes())
	return b
}

// document is a document with two attachments: "one", text/plain, and "two", image/png.
type document struct {
	*bench
	t       *testing.T
	id, rev string
}

// document makes a document in a database with a limit.
func (b *bench) document(t *testing.T, inlineMax int64) *document {
	t.Helper()
	if err := metaview.Ordinary(b.db).SetMetadataOptions(t.Context(), metaview.Options{InlineMax: inlineMax}); err != nil {
		t.Fatal(err)
	}
	b.made++
	d := &document{bench: b, t: t, id: "doc" + strconv.Itoa(b.made)}
	status, answer := d.send("PUT", "/_metadata/db/"+d.id, `{"n":1,"_attachments":{"one":{"content_type":"text/plain","data":"Zmlyc3Q="},"two":{"content_type":"image/png","data":"c2Vjb25kIQ=="}}}`)
	var saved struct{ Rev string }
	if err := json.Unmarshal([]byte(answer), &saved); err != nil || status != 201 {
		t.Fatalf("%d %s", status, answer)
	}
	d.rev = saved.Rev
	return d
}

func (d *document) send(method, path, body string) (status int, answer string) {
	d.t.Helper()
	req := httptest.NewRequest(method, path, strings.NewReader(body))
	req.Header.Set("Content-Type", "application/json")
	rec := httptest.NewRecorder()
	d.handler.ServeHTTP(rec, req)
	text, err := io.ReadAll(rec.Result().Body)
	if err != nil {
		d.t.Fatal(err)
	}
	return rec.Code, string(text)
}
