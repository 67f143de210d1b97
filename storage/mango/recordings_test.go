package mango_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"settle/storage/couch"
	"settle/storage/mango"
)

// recording is a scenario of recorded exchanges with CouchDB, as far as documents
// and `_find` are concerned.
type recording struct {
	Exchanges []struct {
		Request struct {
			Method, Path string
			JSON         json.RawMessage
		}
		Response struct {
			Status int
			JSON   json.RawMessage
		}
	}
}

// recordings are exchanges with CouchDB 3.5.0; their form is described beside them.
const recordings = "../../compat-tests/testdata/recordings/couchdb-3.5.0"

func readRecording(t *testing.T, name string) recording {
	text, err := os.ReadFile(filepath.Join(recordings, name+".json"))
	if errors.Is(err, os.ErrNotExist) {
		t.Skip("the recordings are not here")
	}
	var r recording
	if err == nil {
		err = json.Unmarshal(text, &r)
	}
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// find is a request to `_find`.
type find struct {
	Selector json.RawMessage
	Fields   json.RawMessage
	Limit    *int
	Skip     int
	Bookmark string
	Sort     json.RawMessage
	UseIndex json.RawMessage `json:"use_index"`
}

// errorNames are the names of kinds in CouchDB's answers.
var errorNames = map[couch.Kind]string{
	couch.InvalidSelectorJSON: "invalid_selector_json", couch.InvalidSelector: "invalid_selector", couch.InvalidOperator: "invalid_operator",
	couch.OperatorNotSupported: "not_supported", couch.BadArgument: "bad_arg", couch.BadField: "bad_field",
	couch.InvalidFieldName: "invalid_field_name", couch.InvalidFields: "invalid_fields", couch.InvalidField: "invalid_field",
}

func TestRecordings(t *testing.T) {
	for _, name := range []string{
		"mango-operators", "mango-array-operators", "mango-combine", "mango-selector-errors", "mango-fields-paging", "mango-partial-index",
	} {
		t.Run(name, func(t *testing.T) {
			docs, played := map[string]json.RawMessage{}, 0
			for i, e := range readRecording(t, name).Exchanges {
				path := strings.Split(e.Request.Path, "/")[1:]
				switch {
				case path[1] == "_bulk_docs":
					addDocs(t, docs, e.Request.JSON, e.Response.JSON)
				case e.Request.Method == "PUT" && e.Response.Status == 201:
					addDoc(t, docs, path[1], e.Request.JSON, e.Response.JSON)
				case path[1] == "_find" && path[0] == "alpha":
					if playFind(t, i, docs, e.Request.JSON, e.Response.Status, e.Response.JSON) {
						played++
					}
				}
			}
			if played < 3 {
				t.Errorf("only %d exchanges played", played)
			}
		})
	}
}

func addDocs(t *testing.T, docs map[string]json.RawMessage, request, response json.RawMessage) {
	var asked struct{ Docs []json.RawMessage }
	var answers []json.RawMessage
	if err := errors.Join(json.Unmarshal(request, &asked), json.Unmarshal(response, &answers)); err != nil {
		t.Fatal(err)
	}
	for i, doc := range asked.Docs {
		var id struct {
			ID string `json:"_id"`
		}
		if err := json.Unmarshal(doc, &id); err != nil {
			t.Fatal(err)
		}
		addDoc(t, docs, id.ID, doc, answers[i])
	}
}

func addDoc(t *testing.T, docs map[string]json.RawMessage, id string, doc, answer json.RawMessage) {
	var written struct{ Rev string }
	if err := json.Unmarshal(answer, &written); err != nil {
		t.Fatal(err)
	}
	body := bytes.TrimPrefix(compact(t, doc), []byte("{"))
	body = bytes.TrimPrefix(body, []byte(`"_id":"`+id+`"`))
	body = bytes.TrimPrefix(body, []byte(","))
	head := `{"_id":"` + id + `","_rev":"` + written.Rev + `"`
	if len(body) > 1 {
		head += ","
	}
	docs[id] = json.RawMessage(head + string(body))
}

func compact(t *testing.T, text []byte) []byte {
	var b bytes.Buffer
	if err := json.Compact(&b, text); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// playFind compares an answer with what the selector says of each document. It
// leaves out answers that are about something else than the selector.
func playFind(t *testing.T, i int, docs map[string]json.RawMessage, request json.RawMessage, status int, answer json.RawMessage) bool {
	var f find
	var want struct {
		Error, Reason string
		Bookmark      *string
		Docs          []json.RawMessage
	}
	if json.Unmarshal(request, &f) != nil || json.Unmarshal(answer, &want) != nil || f.Selector == nil {
		return false
	}
	selector, err := mango.Parse(compact(t, f.Selector))
	fields := &mango.Fields{}
	if err == nil && f.Fields != nil {
		fields, err = mango.ParseFields(compact(t, f.Fields))
	}
	if wrong, ok := errors.AsType[*couch.Error](err); ok {
		got := []string{errorNames[wrong.Kind], wrong.Reason}
		if diff := cmp.Diff([]string{want.Error, want.Reason}, got); diff != "" || status != 400 {
			t.Errorf("%d: %s: %s", i, request, diff)
		}
		return true
	}
	paged := f.Limit != nil || f.Skip != 0 || f.Bookmark != "" || f.UseIndex != nil || f.Sort != nil
	if status != 200 && !paged {
		t.Errorf("%d: %s is accepted, want %d %s", i, request, status, answer)
	}
	if status != 200 || paged || want.Bookmark == nil { // without a bookmark nothing was asked of documents
		return false
	}
	comparePlayed(t, i, request, want.Docs, matching(docs, selector, fields))
	return true
}

func matching(docs map[string]json.RawMessage, selector *mango.Selector, fields *mango.Fields) []string {
	found := []string{}
	for id, doc := range docs {
		if !strings.HasPrefix(id, "_design/") && selector.Match(doc) {
			found = append(found, string(fields.Append(nil, doc)))
		}
	}
	slices.Sort(found)
	return found
}

func comparePlayed(t *testing.T, i int, request json.RawMessage, answered []json.RawMessage, got []string) {
	want := []string{}
	for _, doc := range answered {
		want = append(want, string(compact(t, doc)))
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%d: %s: %s", i, request, diff)
	}
}
