package validation_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"settle/storage"
	"settle/storage/couch"
	"settle/storage/design"
	"settle/storage/docjson"
	"settle/storage/storagetest"
	"settle/storage/validation"
)

const defaultSecurity = `{"admins":{"roles":["_admin"]}}`

// open makes a database whose documents are judged.
func open(t testing.TB, o design.Options) *storage.Database {
	t.Helper()
	engine := design.New(o)
	t.Cleanup(func() { engine.Close() })
	store := storagetest.Open(t, func(o *storage.Options) { o.Validator = validation.New(engine, defaultSecurity) })
	return storagetest.Database(t, store, "alpha", storage.CreateOptions{})
}

func document(t testing.TB, text string) *couch.Document {
	t.Helper()
	p, err := docjson.NewReader(bytes.NewReader([]byte(text))).Document(docjson.Options{})
	if err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return &couch.Document{ID: p.ID, Deleted: p.Deleted, Revisions: p.Revisions, Body: p.Body}
}

// put writes a document and returns why it is refused.
func put(ctx context.Context, t testing.TB, db *storage.Database, text string) (couch.RevID, error) {
	t.Helper()
	results, err := db.BulkDocs(ctx, storage.Docs(document(t, text)))
	if err != nil {
		t.Fatal(err)
	}
	return results[0].Rev, results[0].Err
}

func told(err error) string {
	if err == nil {
		return "ok"
	}
	return err.Error()
}

func validating(source string) string {
	return fmt.Sprintf(`{"_id":"_design/v","validate_doc_update":%s}`, docjson.AppendString(nil, source))
}

func TestShown(t *testing.T) {
	db := open(t, design.Options{})
	first, err := put(t.Context(), t, db, `{"_id":"a","n":1}`)
	if err != nil {
		t.Fatal(err)
	}
	storagetest.Write(t, db, validating(`function(n, o, u, s){ throw({forbidden: JSON.stringify([n, o, u, s])}) }`))
	ida := couch.WithUser(t.Context(), couch.UserCtx{Name: "i\"da", Roles: []string{"x", "y"}})
	anonymous := couch.WithUser(t.Context(), couch.UserCtx{})
	revisions := fmt.Sprintf(`"_revisions":{"start":1,"ids":[%q]}`, strings.TrimPrefix(first.String(), "1-"))
	for _, tt := range []struct {
		ctx       context.Context
		doc, want string
	}{
		{ida, `{"_id":"b"}`, `[{"_id":"b"},null,{"db":"alpha","name":"i\"da","roles":["x","y"]},` + defaultSecurity + `]`},
		{anonymous, `{"_id":"b","_deleted":true}`, `[{"_id":"b","_deleted":true},null,{"db":"alpha","name":null,"roles":[]},` + defaultSecurity + `]`},
		{
			t.Context(), fmt.Sprintf(`{"_id":"a","_rev":%q,"n":2}`, first),
			fmt.Sprintf(`[{"_id":"a","_rev":%q,"n":2,%s},{"_id":"a","_rev":%q,"n":1,%s},{"db":"alpha","name":null,"roles":["_admin"]},%s]`, first, revisions, first, revisions, defaultSecurity),
		},
	} {
		_, err := put(tt.ctx, t, db, tt.doc)
		if diff := cmp.Diff("forbidden: "+tt.want, told(err)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.doc, diff)
		}
		if !errors.Is(err, &couch.Error{Kind: couch.Forbidden}) {
			t.Errorf("%v is no Forbidden", err)
		}
	}
	if err := db.SetSecurity(t.Context(), []byte(`{"own":1}`)); err != nil {
		t.Fatal(err)
	}
	if _, err := put(anonymous, t, db, `{"_id":"b"}`); !strings.HasSuffix(told(err), `,{"own":1}]`) {
		t.Error(err)
	}
}

// A function sees the whole history of what comes, and the latest 20 revisions of what is
// stored, as in CouchDB.
func TestHistoryIsCut(t *testing.T) {
	db := open(t, design.Options{})
	storagetest.Write(t, db, validating(`function(n, o){ if (o) throw({forbidden: n._revisions.ids.length + " " + o._revisions.ids.length}) }`))
	hashes := make([]string, 51)
	for i := range hashes {
		hashes[i] = fmt.Sprint(i)
	}
	var told []string
	for _, from := range []int{1, 0} {
		doc := document(t, `{"_id":"a"}`)
		doc.Revisions = couch.Revisions{Start: uint64(len(hashes) - from), Hashes: hashes[from:]}
		results, err := db.PutRevs(t.Context(), storage.Docs(doc))
		if err != nil {
			t.Fatal(err)
		}
		told = append(told, fmt.Sprint(results[0].Err))
	}
	if want := []string{"<nil>", "forbidden: 51 20"}; !slices.Equal(told, want) {
		t.Errorf("%q, want %q", told, want)
	}
}

// The first function that refuses counts, in the order of the design documents' ids.
func TestSeveral(t *testing.T) {
	db := open(t, design.Options{})
	for _, name := range []string{"c", "a", "b"} {
		storagetest.Write(t, db, fmt.Sprintf(`{"_id":"_design/%s","validate_doc_update":"function(n){ if (n.%s) throw({unauthorized: '%s'}) }"}`, name, name, name))
	}
	storagetest.Write(t, db, `{"_id":"_design/none","views":{}}`)
	for doc, want := range map[string]string{
		`{"_id":"x","a":1,"b":1,"c":1}`: "unauthorized: a", `{"_id":"x","b":1,"c":1}`: "unauthorized: b",
		`{"_id":"x","c":1}`: "unauthorized: c",
	} {
		if _, err := put(t.Context(), t, db, doc); told(err) != want || !errors.Is(err, &couch.Error{Kind: couch.Unauthorized}) {
			t.Errorf("%s: %v", doc, err)
		}
	}
	if _, err := put(t.Context(), t, db, `{"_id":"x"}`); err != nil {
		t.Error(err)
	}
}

func TestDesignDocuments(t *testing.T) {
	db := open(t, design.Options{Time: time.Second})
	for _, tt := range []struct{ doc, want string }{
		{`{"_id":"_design/a","views":7}`, "invalid_design_doc: `views` field must have object type"},
		{`{"_id":"_design/a","language":7}`, "invalid_design_doc: `language` field must have string type"},
		{`{"_id":"_design/a","views":{"v":{"map":""}}}`, "not_found: missing function"},
		{`{"_id":"_design/a","views":{"v":{"map":"(function(){for(;;);})()"}}}`, "os_process_error: OS process timed out."},
		{`{"_id":"_design/a","options":{"partitioned":true},"views":7}`, "invalid_design_doc: `views` field must have object type"},
		{`{"_id":"_design/a","options":{"partitioned":true}}`, "partitioned option cannot be true in a non-partitioned database."},
		{`{"_id":"_design/a","_rev":"1-x","views":7}`, "Document update conflict."},
		{`{"_id":"a","views":7}`, "ok"},
		{`{"_id":"_design/a","validate_doc_update":"'none'"}`, "ok"},
		{`{"_id":"b"}`, "compilation_error: Expression does not eval to a function. ('none')"},
	} {
		if _, err := put(t.Context(), t, db, tt.doc); told(err) != tt.want {
			t.Errorf("%s: %v, want %s", tt.doc, err, tt.want)
		}
	}
	results, err := db.PutRevs(t.Context(), storage.Docs(document(t, `{"_id":"_design/r","_rev":"1-r","views":7}`), document(t, `{"_id":"_design/r2","_rev":"1-r"}`)))
	if err != nil || told(results[0].Err) != "invalid_design_doc: `views` field must have object type" || results[1].Err != nil {
		t.Errorf("%+v, %v", results, err)
	}
}

// A function that does not end costs its caller an error, and others go on.
func TestLoop(t *testing.T) {
	db := open(t, design.Options{Time: time.Second})
	storagetest.Write(t, db, validating(`function(n){ while (n.loop) {} }`))
	if _, err := put(t.Context(), t, db, `{"_id":"a","loop":true}`); told(err) != "os_process_error: OS process timed out." {
		t.Error(err)
	}
	if _, err := put(t.Context(), t, db, `{"_id":"a"}`); err != nil {
		t.Error(err)
	}
}

// Writers who all count one document up, each on top of the last, and a rule that it
// grows by one: whatever is stored obeys the rule.
func TestConcurrentWriters(t *testing.T) {
	db := open(t, design.Options{})
	storagetest.Write(t, db, validating(`function(n, o){ if (o ? n.n != o.n + 1 : n.n != 1) throw({forbidden: "by one"}) }`))
	var writers sync.WaitGroup
	for w := range 4 {
		writers.Go(func() {
			for i := range 25 {
				generation := uint64(w + i)
				path := []string{"x"}
				for g := generation; g >= 1; g-- {
					path = append([]string{fmt.Sprint(g)}, path...)
				}
				doc := document(t, fmt.Sprintf(`{"_id":"a","n":%d}`, generation+1))
				doc.Revisions = couch.Revisions{Start: generation + 1, Hashes: path}
				if _, err := db.PutRevs(t.Context(), storage.Docs(doc)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	writers.Wait()
	doc, err := db.Get(t.Context(), "a", couch.GetOptions{Revs: true})
	if err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf(`{"n":%d}`, doc.Rev().Gen); string(doc.Body.Text) != want {
		t.Errorf("revision %v has %s, want %s", doc.Rev(), doc.Body.Text, want)
	}
}

// BenchmarkWrite writes single documents, and batches of 1000, to a database without
// design documents, with one without functions, and with a validation function.
func BenchmarkWrite(b *testing.B) {
	for name, doc := range map[string]string{
		"none": `{"_id":"other"}`, "views": `{"_id":"_design/v","views":{"v":{"map":"function(doc){ emit(1) }"}}}`,
		"function": validating(`function(n, o, u){ if (n.bad) throw({forbidden: "bad"}); if (o && o.n > n.n) throw({forbidden: "less"}) }`),
	} {
		for _, size := range []int{1, 1000} {
			b.Run(fmt.Sprintf("%s/%d", name, size), func(b *testing.B) {
				db := open(b, design.Options{})
				storagetest.Write(b, db, doc)
				for i := 0; b.Loop(); i++ {
					docs := make([]*couch.Document, size)
					for j := range docs {
						docs[j] = document(b, fmt.Sprintf(`{"_id":"%d-%d","n":%d,"text":"some text that is about as long as in a small document"}`, i, j, i))
					}
					results, err := db.BulkDocs(b.Context(), storage.Docs(docs...))
					if err != nil || results[0].Err != nil {
						b.Fatal(err, results[0].Err)
					}
				}
			})
		}
	}
}
