package docjson_test

import (
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"settle/storage/couch"
	"settle/storage/docjson"
)

// recordings are exchanges with CouchDB 3.5.0; their form is described beside them.
const recordings = "../../compat-tests/testdata/recordings/couchdb-3.5.0"

type scenario struct {
	Name      string
	Exchanges []struct {
		Request struct {
			Method, Path, Text string
			JSON               json.RawMessage
		}
		Save     map[string]string
		Response struct {
			Status int
			Raw    string
			JSON   json.RawMessage
		}
	}
}

func readScenarios(t *testing.T) []scenario {
	t.Helper()
	files, _ := filepath.Glob(filepath.Join(recordings, "*.json"))
	if len(files) == 0 {
		t.Skip("no recordings")
	}
	scenarios := make([]scenario, len(files))
	for i, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, &scenarios[i]); err != nil {
			t.Fatal(err)
		}
	}
	return scenarios
}

var (
	docPath  = regexp.MustCompile(`^/[a-z][a-z0-9_-]*/((_design/)?[^/_?][^/?]*(\?rev=[^&]*)?)?$`)
	variable = regexp.MustCompile(`\$\{[a-z_0-9A-Z]+\}`)
)

func isEdit(method string) bool { return method == "PUT" || method == "POST" }

// TestRecordedRevIDs makes the revision id of every recorded edit of a document,
// where the request alone says all that goes into it.
func TestRecordedRevIDs(t *testing.T) {
	checked := 0
	for _, sc := range readScenarios(t) {
		saved := map[string]string{}
		for i, e := range sc.Exchanges {
			var answer struct{ Rev string }
			_ = json.Unmarshal(e.Response.JSON, &answer)
			for name, place := range e.Save {
				if place == "rev" {
					saved["${"+name+"}"] = answer.Rev
				}
			}
			text := e.Request.Text + string(e.Request.JSON)
			path := expand(e.Request.Path, saved)
			if !isEdit(e.Request.Method) || e.Response.Status/100 != 2 || answer.Rev == "" || !strings.HasPrefix(text, "{") || !docPath.MatchString(path) {
				continue
			}
			if got, ok := recordedEdit(t, path, expand(text, saved), answer.Rev); ok {
				checked++
				if got != answer.Rev {
					t.Errorf("%s, exchange %d: %s %s: revision %s, want %s", sc.Name, i, path, text, got, answer.Rev)
				}
			}
		}
	}
	if checked < 150 {
		t.Errorf("only %d revisions were checked", checked)
	}
}

func expand(s string, saved map[string]string) string {
	return variable.ReplaceAllStringFunc(s, func(v string) string { return saved[v] })
}

// recordedEdit returns the revision id of an edit, and false where it depends on
// what the server holds: compressed attachments, stubs, an edit over a deletion.
func recordedEdit(t *testing.T, path, text, rev string) (string, bool) {
	t.Helper()
	doc := parse(t, text)
	parent := doc.Rev()
	if u, err := url.Parse(path); err == nil && u.Query().Get("rev") != "" {
		parent, err = couch.ParseRev(u.Query().Get("rev"))
		if err != nil {
			t.Fatal(err)
		}
	}
	return editRev(t, doc, parent, rev)
}

// editRev makes the id of an edit whose recorded id is rev.
func editRev(t *testing.T, doc *docjson.Parsed, parent couch.RevID, rev string) (string, bool) {
	t.Helper()
	want, err := couch.ParseRev(rev)
	if err != nil {
		t.Fatal(err)
	}
	if want.Gen != parent.Gen+1 {
		return "", false
	}
	var atts []couch.Attachment
	for _, a := range doc.Attachments {
		if a.Stub || a.Follows || strings.HasPrefix(a.ContentType, "text/") || a.ContentType == "application/json" {
			return "", false
		}
		atts = append(atts, a.Attachment)
	}
	got, err := docjson.RevID(doc.Deleted, parent, doc.Body, atts)
	if err != nil {
		t.Fatal(err)
	}
	return got.String(), true
}

// TestRecordedBulkDocs makes the revision ids of every recorded _bulk_docs.
func TestRecordedBulkDocs(t *testing.T) {
	checked := 0
	for _, sc := range readScenarios(t) {
		for i, e := range sc.Exchanges {
			var rows []struct{ ID, Rev string }
			if !strings.HasSuffix(e.Request.Path, "/_bulk_docs") || e.Response.Status != 201 ||
				json.Unmarshal(e.Response.JSON, &rows) != nil || variable.Match(e.Request.JSON) {
				continue
			}
			docs := bulkDocs(t, string(e.Request.JSON))
			for j, row := range rows {
				if len(docs) != len(rows) || row.Rev == "" || strings.HasPrefix(row.ID, "_local/") {
					continue
				}
				if got, ok := editRev(t, docs[j], docs[j].Rev(), row.Rev); ok {
					checked++
					if got != row.Rev {
						t.Errorf("%s, exchange %d, %s: revision %s, want %s", sc.Name, i, row.ID, got, row.Rev)
					}
				}
			}
		}
	}
	if checked < 150 {
		t.Errorf("only %d revisions were checked", checked)
	}
}

func bulkDocs(t *testing.T, text string) (docs []*docjson.Parsed) {
	t.Helper()
	r := docjson.NewReader(strings.NewReader(text))
	for name, err := range r.Members() {
		if err != nil {
			t.Fatal(err)
		}
		if name != "docs" {
			continue
		}
		for _, err := range r.Elements() {
			if err != nil {
				t.Fatal(err)
			}
			doc, err := r.Document(docjson.Options{Store: storeBlob})
			if err != nil {
				t.Fatal(err)
			}
			docs = append(docs, doc)
		}
	}
	if err := r.End(); err != nil {
		t.Fatal(err)
	}
	return docs
}

var extras = regexp.MustCompile(`"_(revs_info|conflicts|deleted_conflicts|local_seq)":|"data":"`)

// TestRecordedDocuments prints every document that was recorded byte for byte.
func TestRecordedDocuments(t *testing.T) {
	checked := 0
	for _, sc := range readScenarios(t) {
		for i, e := range sc.Exchanges {
			raw := e.Response.Raw
			if !strings.HasPrefix(raw, `{"_id":"`) || extras.MatchString(raw) {
				continue
			}
			doc := parse(t, raw)
			d := &couch.Document{ID: doc.ID, Deleted: doc.Deleted, Revisions: doc.Revisions, Body: doc.Body}
			for _, a := range doc.Attachments {
				d.Attachments = append(d.Attachments, a.Attachment)
			}
			got := docjson.AppendDocument(nil, d, docjson.Print{Revs: strings.Contains(raw, `"_revisions":`)})
			if string(got)+"\n" != raw {
				t.Errorf("%s, exchange %d:\n got %s\nwant %s", sc.Name, i, got, raw)
			}
			checked++
		}
	}
	if checked < 15 {
		t.Errorf("only %d documents were checked", checked)
	}
}

// TestRecordedRefusals reads the bodies that CouchDB refused as malformed, and
// those it accepted.
func TestRecordedRefusals(t *testing.T) {
	const invalid = "invalid UTF-8 JSON"
	for _, sc := range readScenarios(t) {
		for i, e := range sc.Exchanges {
			var answer struct{ Error, Reason string }
			_ = json.Unmarshal(e.Response.JSON, &answer)
			if !isEdit(e.Request.Method) || !docPath.MatchString(e.Request.Path) || e.Request.Text == "" || strings.Contains(e.Request.Text, "\r\n") {
				continue
			}
			r := docjson.NewReader(strings.NewReader(e.Request.Text))
			_, err := r.Document(docjson.Options{})
			if err == nil {
				err = r.End()
			}
			if (answer.Reason == invalid) != (err != nil && err.Error() == invalid) {
				t.Errorf("%s, exchange %d: %s: %v, CouchDB: %s", sc.Name, i, e.Request.Text, err, answer.Reason)
			}
		}
	}
}
