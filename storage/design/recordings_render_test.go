package design_test

import (
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"settle/storage/design"
)

func TestRecordedUpdates(t *testing.T) {
	db := newDatabase(t)
	for _, x := range load(t, "ddoc-update-handlers") {
		path, query, _ := strings.Cut(x.Request.Path, "?")
		rest, isUpdate := strings.CutPrefix(path, "/alpha/_design/u/_update/")
		if !isUpdate {
			if x.Request.Method == "PUT" && x.Response.Status == 201 {
				db.write(t, x)
			}
			continue
		}
		name, id, _ := strings.Cut(rest, "/")
		if x.Request.Headers["Content-Type"] != nil || x.Response.Status == 409 {
			continue // a form, or a conflict: made outside of the function
		}
		db.checkUpdate(t, x, name, id, query)
	}
}

func (db *database) checkUpdate(t *testing.T, x exchange, name, id, query string) {
	t.Helper()
	doc, response, err := db.designs["u"].Update(t.Context(), name, db.docs[id], request(t, x, id, query))
	if err != nil {
		var want map[string]any
		unmarshal(t, x.Response.JSON, &want)
		if diff := cmp.Diff(want, errorOf(err)); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", x.name(), diff)
		}
		return
	}
	if doc != nil && response.Code == 200 {
		response.Code = 201 // as the server answers a write
	}
	checkResponse(t, x, response)
	if (x.Response.Headers["x-couch-id"] != "") != (doc != nil) {
		t.Errorf("%s: document %s", x.name(), doc)
	}
	if doc != nil {
		var written struct {
			ID string `json:"_id"`
		}
		unmarshal(t, doc, &written)
		db.docs[written.ID] = doc
	}
}

func TestRecordedLists(t *testing.T) {
	db := newDatabase(t)
	for _, x := range load(t, "ddoc-list") {
		path, query, _ := strings.Cut(x.Request.Path, "?")
		rest, isList := strings.CutPrefix(path, "/alpha/_design/l/_list/")
		if !isList {
			if x.Response.Status == 201 {
				db.write(t, x)
			}
			continue
		}
		name, view, _ := strings.Cut(rest, "/")
		if view != "m" || strings.Contains(query, "=") && !strings.Contains(query, "format") || x.Request.Method != "GET" {
			continue // the rows are a view's
		}
		db.checkList(t, x, name, query)
	}
}

func (db *database) checkList(t *testing.T, x exchange, name, query string) {
	t.Helper()
	rows := []string{
		`{"id":"a","key":1,"value":"a"}`, `{"id":"b","key":2,"value":"b"}`, `{"id":"c","key":3,"value":"c"}`,
	}
	var got design.Response
	err := db.designs["l"].List(t.Context(), name, design.Listing{
		Head: []byte(`{"total_rows":3,"offset":0}`), Req: request(t, x, "", query), Rows: rowsOf(rows...),
		Start: func(r design.Response) error { got = r; return nil },
		Chunk: func(text string) error { got.Body = append(got.Body, text...); return nil },
	})
	if err == nil {
		if x.Response.Headers["content-type"] == "" {
			x.Response.Headers = map[string]string{"content-type": "application/json"}
		}
		checkResponse(t, x, got)
		return
	}
	var want map[string]any
	unmarshal(t, x.Response.JSON, &want)
	if diff := cmp.Diff(want, errorOf(err)); diff != "" {
		t.Errorf("%s: (-want +got)\n%s", x.name(), diff)
	}
}

func rowsOf(rows ...string) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for row := range slices.Values(rows) {
			if !yield([]byte(row), nil) {
				return
			}
		}
	}
}

func TestRecordedRewrites(t *testing.T) {
	db := newDatabase(t)
	for _, x := range load(t, "ddoc-rewrite-function") {
		path, query, _ := strings.Cut(x.Request.Path, "?")
		if !strings.Contains(path, "/_rewrite/") {
			if x.Request.Method == "PUT" {
				db.write(t, x)
			}
			continue
		}
		got, err := db.designs["r"].Rewrite(t.Context(), request(t, x, "", query))
		_, what, _ := strings.Cut(path, "/_rewrite/")
		switch what {
		case "doc":
			checkPath(t, got, err, `{"../../doc"  map[] ""}`)
		case "view":
			checkPath(t, got, err, `{"_view/v"  map["limit":"1"] ""}`)
		case "put":
			checkPath(t, got, err, `{"../../made" PUT map[] "{\"by\":\"rewrite\"}"}`)
		case "undef":
			if diff := cmp.Diff(map[string]any{"error": "rewrite_error", "reason": "Invalid path."}, errorOf(err)); diff != "" {
				t.Error(diff)
			}
		case "code":
			if err != nil || got.Path != "" || got.Response.Code != 403 || string(got.Response.Body) != "no" {
				t.Errorf("code: %+v, %v", got, err)
			}
		default:
			var want, answer any
			unmarshal(t, x.Response.JSON, &want)
			unmarshal(t, got.Response.Body, &answer)
			if diff := cmp.Diff(want, answer); diff != "" && !strings.Contains(diff, `{"z":`) {
				t.Errorf("%s: (-want +got)\n%s", x.name(), diff)
			}
		}
	}
}

func checkPath(t *testing.T, got design.Rewrite, err error, want string) {
	t.Helper()
	body := ""
	if got.Body != nil {
		body = *got.Body
	}
	if text := fmt.Sprintf("{%q %s %q %q}", got.Path, got.Method, got.Query, body); err != nil || text != want {
		t.Errorf("rewrite to %s, %v, want %s", text, err, want)
	}
}

func TestRecordedFilters(t *testing.T) {
	for _, name := range []string{"ddoc-filters", "changes-filter-js"} {
		t.Run(name, func(t *testing.T) {
			db := newDatabase(t)
			var ids []string
			for _, x := range load(t, name) {
				path, query, _ := strings.Cut(x.Request.Path, "?")
				if x.Response.Status == 201 {
					db.write(t, x)
				}
				if x.Request.Method == "DELETE" {
					break
				}
				ids = []string{"a", "b", "c", "d"}
				if path == "/alpha/_changes" && x.Request.Method == "GET" && strings.Contains(query, "filter=f/") && !strings.Contains(query, "feed") && !strings.Contains(query, "limit") {
					db.checkFilter(t, x, ids, query)
				}
			}
		})
	}
}

func (db *database) checkFilter(t *testing.T, x exchange, ids []string, query string) {
	t.Helper()
	name := strings.TrimPrefix(strings.Split(query, "&")[0], "filter=f/")
	var docs [][]byte
	for _, id := range ids {
		docs = append(docs, db.docs[id])
	}
	pass, err := db.designs["f"].Filter(t.Context(), name, docs, request(t, x, "", query))
	if x.Response.Status >= 400 {
		if err == nil {
			t.Errorf("%s: no error", x.name())
		}
		return
	}
	if err != nil {
		t.Errorf("%s: %v", x.name(), err)
		return
	}
	var want struct{ Results []struct{ ID string } }
	unmarshal(t, x.Response.JSON, &want)
	for i, id := range ids {
		listed := slices.ContainsFunc(want.Results, func(r struct{ ID string }) bool { return r.ID == id })
		if pass[i] != listed {
			t.Errorf("%s: %s passes: %v, want %v", x.name(), id, pass[i], listed)
		}
	}
}
