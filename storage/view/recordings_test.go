package view_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"settle/storage"
	"settle/storage/couch"
	"settle/storage/design"
	"settle/storage/docjson"
	"settle/storage/view"
	"settle/storage/view/javascript"
	"settle/storage/view/params"
)

// recordings are exchanges with CouchDB 3.5.0; their form is described beside them.
const recordings = "../../compat-tests/testdata/recordings/couchdb-3.5.0"

type exchange struct {
	Request struct {
		Method, Path string
		JSON         json.RawMessage
	}
	Response struct {
		Status int
		JSON   json.RawMessage
	}
	Volatile []string
}

// TestRecordedViews plays the writes of recorded scenarios, and compares what the
// recorded queries of views give, with their functions in JavaScript.
func TestRecordedViews(t *testing.T) {
	files, _ := filepath.Glob(filepath.Join(recordings, "view-*.json"))
	if len(files) == 0 {
		t.Skip("no recordings")
	}
	engine := design.New(design.Options{})
	defer engine.Close()
	compared := 0
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		if name == "view-language" { // its functions are of no language that is there
			continue
		}
		t.Run(name, func(t *testing.T) {
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var scenario struct{ Exchanges []exchange }
			if err := json.Unmarshal(content, &scenario); err != nil {
				t.Fatal(err)
			}
			p := player{bench: newBench(t, false)}
			p.indexes = view.New(view.Options{Functions: javascript.Functions(engine)})
			for i, e := range scenario.Exchanges {
				p.play(i, &e)
			}
			compared += p.compared
		})
	}
	t.Logf("%d answers were compared", compared)
	if compared < 100 {
		t.Errorf("%d answers were compared", compared)
	}
}

type player struct {
	*bench
	compared int
}

func (p *player) play(i int, e *exchange) {
	target, query, _ := strings.Cut(e.Request.Path, "?")
	id, ok := strings.CutPrefix(target, "/alpha/")
	id, _ = url.PathUnescape(id)
	parts := strings.Split(id, "/")
	switch {
	case !ok || e.Response.Status >= 300 && !strings.Contains(id, "/_view/"):
	case id == "_bulk_docs":
		p.bulk(e.Request.JSON)
	case e.Request.Method == "PUT" && e.Request.JSON != nil && (len(parts) == 1 || len(parts) == 2 && parts[0] == "_design"):
		p.put([2]string{id, string(e.Request.JSON)})
	case e.Request.Method == "DELETE":
		p.put([2]string{id, ""})
	case len(parts) >= 4 && parts[2] == "_view" && e.Request.Method != "HEAD":
		p.view(i, e, parts[1], parts[3:], query)
	}
}

func (p *player) bulk(body json.RawMessage) {
	p.t.Helper()
	var batch struct {
		NewEdits *bool `json:"new_edits"`
		Docs     []json.RawMessage
	}
	if err := json.Unmarshal(body, &batch); err != nil {
		p.t.Fatal(err)
	}
	for _, text := range batch.Docs {
		parsed, err := docjson.NewReader(bytes.NewReader(text)).Document(docjson.Options{})
		if err != nil {
			p.t.Fatal(err)
		}
		doc := &couch.Document{ID: parsed.ID, Revisions: parsed.Revisions, Deleted: parsed.Deleted, Body: parsed.Body}
		if batch.NewEdits != nil && !*batch.NewEdits {
			_, err = p.db.PutRevs(ctx, storage.Docs(doc))
		} else {
			_, err = p.db.BulkDocs(ctx, storage.Docs(doc))
		}
		if err != nil {
			p.t.Fatal(err)
		}
	}
}

// view compares the answer to a query of a view with the recorded one.
func (p *player) view(i int, e *exchange, ddoc string, path []string, query string) {
	p.t.Helper()
	doc, err := p.db.Get(ctx, couch.DocID("_design/"+ddoc), couch.GetOptions{})
	if err != nil || len(doc.Attachments) > 0 || ddoc == "att" || e.Response.JSON == nil {
		return
	}
	d, refs := view.ParseDesign(doc.Body.Text, false)
	ref, ok := refs[path[0]]
	if !ok {
		if e.Response.Status != 404 && e.Response.Status != 405 {
			p.t.Errorf("%d: there is no view %s", i, path[0])
		}
		return
	}
	asks, err := queriesOf(e, path, query)
	var want struct{ Results []json.RawMessage }
	if len(path) > 1 && e.Response.Status == 200 {
		if err := json.Unmarshal(e.Response.JSON, &want); err != nil {
			p.t.Fatal(err)
		}
	} else {
		want.Results = []json.RawMessage{e.Response.JSON}
	}
	for j, ask := range asks {
		var a answer
		if a, err = p.tryQuery(d, ref, ask.Query); err != nil {
			break
		}
		if e.Response.Status < 300 && len(e.Volatile) == 0 && j < len(want.Results) {
			p.compare(fmt.Sprintf("%d %s", i, e.Request.Path), want.Results[j], a)
		}
	}
	if (err == nil) != (e.Response.Status < 300) && e.Response.Status != 405 {
		p.t.Errorf("%d: %s %s: %v, recorded %d %s", i, e.Request.Method, e.Request.Path, err, e.Response.Status, e.Response.JSON)
	}
}

func queriesOf(e *exchange, path []string, query string) ([]params.Params, error) {
	ask := params.New()
	for _, pair := range strings.Split(query, "&") {
		name, value, ok := strings.Cut(pair, "=")
		value, err := url.QueryUnescape(value)
		if err == nil && ok {
			err = ask.AddQuery(name, value)
		}
		if err != nil {
			return nil, err
		}
	}
	switch {
	case len(path) > 1:
		return params.Queries(ask, e.Request.JSON)
	case e.Request.JSON == nil:
		return []params.Params{ask}, nil
	}
	if bytes.Contains(e.Request.JSON, []byte(`"queries"`)) {
		return nil, couch.ErrNotFound
	}
	err := ask.AddBody(e.Request.JSON)
	return []params.Params{ask}, err
}

// compare holds an answer against the recorded one, of which it prints the same parts.
func (p *player) compare(what string, recorded json.RawMessage, a answer) {
	p.t.Helper()
	p.compared++
	var want struct {
		Total  *int64 `json:"total_rows"`
		Offset *int64
		Rows   []map[string]any
	}
	if err := json.Unmarshal(recorded, &want); err != nil {
		p.t.Fatal(err)
	}
	if want.Total != nil && (*want.Total != a.TotalRows || *want.Offset != a.Offset) {
		p.t.Errorf("%s: total %d, offset %d, recorded %d, %d", what, a.TotalRows, a.Offset, *want.Total, *want.Offset)
	}
	got := []map[string]any{}
	for _, row := range a.rows {
		m := map[string]any{"key": parse(p.t, row.Key)}
		if row.ID != "" {
			m["id"] = string(row.ID)
		}
		if row.Error != "" {
			m["error"] = row.Error
		} else {
			m["value"] = parse(p.t, row.Value)
		}
		got = append(got, m)
	}
	for _, row := range want.Rows {
		delete(row, "doc")
		if row["error"] != nil {
			delete(row, "reason")
		}
	}
	if diff := cmp.Diff(want.Rows, got); diff != "" {
		p.t.Errorf("%s: %.1500s", what, diff)
	}
}

func parse(t testing.TB, text []byte) any {
	var v any
	if text == nil {
		return nil
	}
	if err := json.Unmarshal(text, &v); err != nil {
		t.Errorf("%s: %v", text, err)
	}
	return v
}
