package design_test

import (
	"encoding/json"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"settle/storage/design"
)

// The recorded exchanges of CouchDB, as far as they show what functions answer:
// here they are played against the functions alone.

type scenario struct {
	Exchanges []exchange
}

type exchange struct {
	Request struct {
		Method, Path string
		Auth         string
		Headers      map[string]*string
		JSON         json.RawMessage
		Text         *string
	}
	Response struct {
		Status  int
		Headers map[string]string
		JSON    json.RawMessage
		Text    *string
		Empty   bool
	}
}

func (x exchange) name() string { return x.Request.Method + " " + x.Request.Path }

func load(t *testing.T, name string) []exchange {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../../compat-tests/testdata/recordings/couchdb-3.5.0", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var s scenario
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	return s.Exchanges
}

// database is what a scenario has written: documents and design documents, in the
// form that functions see.
type database struct {
	engine  *design.Engine
	docs    map[string]json.RawMessage
	designs map[string]*design.Document
}

func newDatabase(t *testing.T) *database {
	e := design.New(design.Options{Time: patience})
	t.Cleanup(func() { e.Close() })
	return &database{engine: e, docs: map[string]json.RawMessage{}, designs: map[string]*design.Document{}}
}

// put stores a document under an id and a revision.
func (db *database) put(t *testing.T, id, rev string, text json.RawMessage) {
	t.Helper()
	head, err := json.Marshal(map[string]string{"_id": id, "_rev": rev})
	if err != nil {
		t.Fatal(err)
	}
	body := strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(string(text)), "{"))
	if body != "}" {
		body = "," + body
	}
	text = json.RawMessage(string(head[:len(head)-1]) + body)
	name, ok := strings.CutPrefix(id, "_design/")
	if !ok {
		db.docs[id] = text
		return
	}
	if db.designs[name], err = db.engine.Document(anyScope, text); err != nil {
		t.Fatal(err)
	}
}

// write plays a write that CouchDB accepted.
func (db *database) write(t *testing.T, x exchange) {
	t.Helper()
	var answers []struct{ ID, Rev string }
	if !strings.HasSuffix(x.Request.Path, "/_bulk_docs") {
		var answer struct{ ID, Rev string }
		unmarshal(t, x.Response.JSON, &answer)
		db.put(t, answer.ID, answer.Rev, x.Request.JSON)
		return
	}
	unmarshal(t, x.Response.JSON, &answers)
	var body struct{ Docs []json.RawMessage }
	unmarshal(t, x.Request.JSON, &body)
	for i, a := range answers {
		var doc map[string]json.RawMessage
		unmarshal(t, body.Docs[i], &doc)
		delete(doc, "_id")
		text, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		if a.Rev != "" {
			db.put(t, a.ID, a.Rev, text)
		}
	}
}

func unmarshal(t *testing.T, text []byte, v any) {
	t.Helper()
	if err := json.Unmarshal(text, v); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
}

// errorOf brings an error into the form of an answer.
func errorOf(err error) map[string]any {
	var e *design.Error
	if !errors.As(err, &e) {
		return map[string]any{"other": err.Error()}
	}
	var reason any
	if json.Unmarshal(e.Reason, &reason) != nil {
		reason = string(e.Reason)
	}
	return map[string]any{"error": e.Name, "reason": reason}
}

func TestRecordedViews(t *testing.T) {
	for _, name := range []string{"view-es2015", "view-lib", "view-runtime-errors", "view-compile-errors", "view-language", "view-custom-reduce"} {
		t.Run(name, func(t *testing.T) {
			db := newDatabase(t)
			for _, x := range load(t, name) {
				db.playView(t, x)
			}
		})
	}
}

func (db *database) playView(t *testing.T, x exchange) {
	t.Helper()
	switch design, view, isView := viewPath(x.Request.Path); {
	case isView && x.Request.Method == "GET":
		if x.Response.Status == 200 && x.Response.JSON != nil && db.designs[design] != nil {
			db.checkRows(t, x, design, view)
		}
	case strings.HasPrefix(x.Request.Path, "/alpha/_design/") && x.Response.Status >= 400:
		db.checkRefused(t, x)
	case x.Request.Method == "PUT" || x.Request.Method == "POST":
		db.write(t, x)
		db.checkAccepted(t, x)
	}
}

func TestRecordedDesignDocuments(t *testing.T) {
	for _, name := range []string{"ddoc-bad", "view-options"} {
		db := newDatabase(t)
		for _, x := range load(t, name) {
			switch {
			case x.Request.Method != "PUT" || !strings.HasPrefix(x.Request.Path, "/alpha/_design"):
			case x.Response.Status >= 400:
				db.checkRefused(t, x)
			default:
				db.write(t, x)
				db.checkAccepted(t, x)
			}
		}
	}
}

func viewPath(path string) (design, view string, ok bool) {
	rest, ok := strings.CutPrefix(path, "/alpha/_design/")
	if !ok {
		return "", "", false
	}
	return strings.Cut(rest, "/_view/")
}

func (db *database) checkRefused(t *testing.T, x exchange) {
	t.Helper()
	doc, err := db.engine.Document(anyScope, x.Request.JSON)
	if err == nil {
		err = doc.CheckShape()
	}
	if err == nil {
		err = doc.CheckViews(t.Context())
	}
	var want map[string]any
	unmarshal(t, x.Response.JSON, &want)
	if want["error"] == "illegal_docid" || x.Request.Method == "GET" {
		return
	}
	if diff := cmp.Diff(want, errorOf(err)); diff != "" {
		t.Errorf("%s: (-want +got)\n%s", x.name(), diff)
	}
}

func (db *database) checkAccepted(t *testing.T, x exchange) {
	t.Helper()
	for name, doc := range db.designs {
		if err := errors.Join(doc.CheckShape(), doc.CheckViews(t.Context())); err != nil {
			t.Errorf("%s: %s: %v", x.name(), name, err)
		}
	}
}

type viewRow struct {
	ID         string
	Key, Value any
}

func (db *database) checkRows(t *testing.T, x exchange, ddoc, name string) {
	t.Helper()
	var want struct{ Rows []viewRow }
	unmarshal(t, x.Response.JSON, &want)
	name, query, _ := strings.Cut(name, "?")
	if len(want.Rows) > 0 && want.Rows[0].ID == "" || query != "" && query != "reduce=false" || db.designs[ddoc].Language() == "query" {
		return
	}
	got := db.rows(t, db.designs[ddoc], name)
	less := func(a, b viewRow) int { return strings.Compare(marshal(t, a), marshal(t, b)) }
	slices.SortFunc(want.Rows, less)
	slices.SortFunc(got, less)
	if diff := cmp.Diff(want.Rows, got); diff != "" && len(want.Rows)+len(got) > 0 {
		t.Errorf("%s: (-want +got)\n%s", x.name(), diff)
	}
}

func marshal(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// rows maps all documents with the functions of all views, and returns those of one.
func (db *database) rows(t *testing.T, doc *design.Document, name string) []viewRow {
	t.Helper()
	views, lib := doc.Views()
	var sources []string
	at := -1
	for _, v := range views {
		if v.Name == name {
			at = len(sources)
		}
		sources = append(sources, v.Map)
	}
	var ids []string
	var docs [][]byte
	for id, text := range db.docs {
		ids, docs = append(ids, id), append(docs, text)
	}
	mapped, err := db.engine.Mapper(anyScope, lib, sources).Map(t.Context(), docs)
	if err != nil || at < 0 {
		t.Fatalf("view %s: %v", name, err)
	}
	var rows []viewRow
	for i, id := range ids {
		for _, row := range mapped[i][at] {
			r := viewRow{ID: id}
			unmarshal(t, []byte(row.Key), &r.Key)
			unmarshal(t, []byte(row.Value), &r.Value)
			rows = append(rows, r)
		}
	}
	return rows
}

func TestRecordedShows(t *testing.T) {
	db := newDatabase(t)
	for _, x := range load(t, "ddoc-show") {
		path, query, _ := strings.Cut(x.Request.Path, "?")
		rest, isShow := strings.CutPrefix(path, "/alpha/_design/s/_show/")
		if x.Request.Method == "PUT" {
			db.write(t, x)
		} else if isShow && x.Request.Method == "GET" {
			name, id, _ := strings.Cut(rest, "/")
			db.checkShow(t, x, name, id, query)
		}
	}
}

func (db *database) checkShow(t *testing.T, x exchange, name, id, query string) {
	t.Helper()
	if strings.HasPrefix(id, "_design/") {
		return
	}
	response, err := db.designs["s"].Show(t.Context(), name, db.docs[id], request(t, x, id, query))
	if err != nil {
		var want map[string]any
		unmarshal(t, x.Response.JSON, &want)
		if diff := cmp.Diff(want, errorOf(err)); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", x.name(), diff)
		}
		return
	}
	checkResponse(t, x, response)
}

func checkResponse(t *testing.T, x exchange, response design.Response) {
	t.Helper()
	if response.Code != x.Response.Status {
		t.Errorf("%s: code %d, want %d", x.name(), response.Code, x.Response.Status)
	}
	contentType := response.ContentType
	for _, field := range response.Header {
		if strings.EqualFold(field.Name, "Content-Type") {
			contentType = field.Value
		}
	}
	if want := x.Response.Headers["content-type"]; contentType != want {
		t.Errorf("%s: Content-Type %q, want %q", x.name(), contentType, want)
	}
	if want := x.Response.Text; want != nil && string(response.Body) != *want {
		t.Errorf("%s: body %q, want %q", x.name(), response.Body, *want)
	}
	if x.Response.Empty && len(response.Body) > 0 {
		t.Errorf("%s: body %q, want none", x.name(), response.Body)
	}
}

// request is the request object of an exchange, as far as the recorded functions
// look at it.
func request(t *testing.T, x exchange, id, query string) []byte {
	t.Helper()
	values, err := url.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	params := map[string]string{}
	for name := range values {
		params[name] = values.Get(name)
	}
	accept := "application/json"
	if h := x.Request.Headers["Accept"]; h != nil {
		accept = *h
	}
	path, _, _ := strings.Cut(strings.TrimPrefix(x.Request.Path, "/"), "?")
	req := map[string]any{
		"method": x.Request.Method, "query": params, "path": strings.Split(path, "/"),
		"headers": map[string]string{"Accept": accept}, "uuid": strings.Repeat("0", 32), "body": "undefined",
		"userCtx": map[string]any{"name": "admin"},
	}
	if id != "" {
		req["id"] = id
	}
	if x.Request.JSON != nil {
		req["body"] = string(x.Request.JSON)
	}
	if x.Request.Text != nil {
		req["body"] = *x.Request.Text
	}
	return []byte(marshal(t, req))
}

func TestRecordedValidation(t *testing.T) {
	for _, name := range []string{"ddoc-validate", "ddoc-validate-errors", "bulk-docs-validation"} {
		t.Run(name, func(t *testing.T) {
			db := newDatabase(t)
			for _, x := range load(t, name) {
				db.playValidation(t, x)
			}
		})
	}
}

// playValidation checks the writes of single new documents.
func (db *database) playValidation(t *testing.T, x exchange) {
	t.Helper()
	if ddoc, ok := strings.CutPrefix(x.Request.Path, "/alpha/_design/"); ok && x.Request.Method == "DELETE" {
		name, _, _ := strings.Cut(ddoc, "?")
		delete(db.designs, name)
	}
	if x.Request.Method != "PUT" || x.Request.JSON == nil || strings.Contains(x.Request.Path, "?") || strings.Contains(x.Request.Path, "_local") {
		return
	}
	id := strings.TrimPrefix(x.Request.Path, "/alpha/")
	if strings.HasPrefix(id, "_design/") {
		if x.Response.Status == 201 {
			db.write(t, x)
		}
		return
	}
	if db.docs[id] != nil {
		return
	}
	want := map[string]any{}
	if x.Response.Status >= 400 {
		unmarshal(t, x.Response.JSON, &want)
	}
	if want["error"] == "ReferenceError" {
		want["reason"] = "'nosuch' is not defined" // CouchDB prints an Erlang term
	}
	got := map[string]any{}
	update := design.Update{New: x.Request.JSON, UserCtx: []byte(`{}`), Security: []byte(`{}`)}
	for _, name := range []string{"a", "b", "c", "v", "val"} {
		if doc := db.designs[name]; doc != nil && len(got) == 0 {
			if err := doc.Validate(t.Context(), update); err != nil {
				got = errorOf(err)
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s %s: (-want +got)\n%s", x.name(), x.Request.JSON, diff)
	}
	if x.Response.Status == 201 {
		db.write(t, x)
	}
}
