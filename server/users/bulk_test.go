package users_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"testing"

	"settle/server/users"
	"settle/storage"
	"settle/storage/couch"
)

// attempts are what somebody might try to write. RIDA stands for the revision of ida's
// own document, REVE for that of another's.
var attempts = []string{
	account("ida", `"_rev":"RIDA"`),
	account("ida", `"_rev":"RIDA","roles":["boss"]`),
	account("ida", `"_rev":"RIDA","password":"new"`),
	account("ida", `"_revisions":{"start":3,"ids":["z","y"]}`),
	account("eve", `"_rev":"REVE"`),
	account("eve", `"_rev":"REVE","password":"stolen"`),
	account("eve", `"_rev":"9-forged","password":"stolen"`),
	`{"_id":"org.couchdb.user:eve","_rev":"REVE","_deleted":true}`,
	account("new", ""),
	account("new2", `"_rev":"1-forged"`),
	account("new3", `"_rev":"1-forged","roles":["_admin"]`),
	account("new4", `"password":5`),
	`{"_id":"org.couchdb.user:x","_rev":"1-a","name":"y","type":"user","roles":[]}`,
	`{"_id":"_design/d","_rev":"1-a"}`,
	`{"_id":"_design/e"}`,
	`{"_id":"stray"}`,
}

// attempt writes one document in a batch of a kind by one of the two ways, as
// somebody, and says what came of it and what is stored then.
func attempt(t *testing.T, by, text string, write func(*users.Database, iter.Seq2[*couch.Document, error]) ([]couch.WriteResult, error)) string {
	b := newBench(t)
	ida, eve := b.mustPut(account("ida", `"password":"x"`)), b.mustPut(account("eve", `"password":"y"`))
	text = strings.NewReplacer("RIDA", ida, "REVE", eve).Replace(text)
	results, err := write(b.as(by), one(b.document(text)))
	said := fmt.Sprint(err)
	if err == nil {
		said = fmt.Sprintf("%s: %s, generation %d", results[0].ID, reason(results[0].Err), results[0].Rev.Gen)
	}
	for row, err := range b.db.AllDocs(context.Background(), couch.AllDocsOptions{Limit: -1, IncludeDocs: true}) {
		if err != nil {
			t.Fatal(err)
		}
		if text := string(row.Doc.Body.Text); strings.Contains(text, `"password"`) {
			t.Errorf("a password is stored: %s", text)
		}
		said += fmt.Sprintf(", %s at %d", row.ID, row.Rev.Gen)
	}
	return said
}

// Whoever does not say the kind of a batch until its end gets what everybody gets:
// `_users` cannot be written around its checks.
func TestBulkIsNoWayAround(t *testing.T) {
	for _, by := range []string{"", "ida", "keeper", "admin"} {
		for _, text := range attempts {
			for _, replicated := range []bool{false, true} {
				known := attempt(t, by, text, func(db *users.Database, docs iter.Seq2[*couch.Document, error]) ([]couch.WriteResult, error) {
					if replicated {
						return db.PutRevs(context.Background(), docs)
					}
					return db.BulkDocs(context.Background(), docs)
				})
				late := attempt(t, by, text, func(db *users.Database, docs iter.Seq2[*couch.Document, error]) ([]couch.WriteResult, error) {
					return db.Bulk(context.Background(), docs, func() (bool, error) { return replicated, nil })
				})
				if known != late {
					t.Errorf("%q writes %s (replicated: %v):\n%s\n%s", by, text, replicated, known, late)
				}
			}
		}
	}
}

// Each document of a batch gets its own verdict, of the batch's kind, in batches that
// spool too.
func TestBulkVerdicts(t *testing.T) {
	pad := strings.Repeat("x", 1<<20)
	for _, replicated := range []bool{false, true} {
		b := newBench(t)
		b.mustPut(account("ida", ""))
		var docs []*couch.Document
		for i := range 6 {
			docs = append(docs,
				b.document(account(fmt.Sprint("both", i), `"_rev":"1-a","pad":"`+pad+`"`)),
				b.document(account("ida", `"pad":"`+fmt.Sprint(i)+`"`)), // as an edit a conflict, of no revision otherwise
				b.document(`{"_id":"stray"}`),
			)
			docs[len(docs)-2].Revisions = couch.Revisions{Start: 1, Hashes: []string{fmt.Sprint("r", i)}}
			if !replicated {
				docs[len(docs)-2].Revisions = couch.Revisions{}
				docs[len(docs)-3].Revisions = couch.Revisions{}
			}
		}
		results, err := b.as("admin").Bulk(t.Context(), storage.Docs(docs...), func() (bool, error) { return replicated, nil })
		if err != nil || len(results) != len(docs) {
			t.Fatal(results, err)
		}
		for i, r := range results {
			want := []string{"ok", "ok", "doc.type must be user"}[i%3]
			if i%3 == 1 && !replicated {
				want = "Document update conflict."
			}
			if reason(r.Err) != want || r.ID != docs[i].ID {
				t.Errorf("replicated: %v: row %d: %s: %v, want %s", replicated, i, r.ID, r.Err, want)
			}
		}
	}
}

// What refuses a batch as a whole leaves nothing of it.
func TestBulkRefusedAsAWhole(t *testing.T) {
	b := newBench(t)
	refusal := errors.New("refused")
	_, err := b.as("admin").Bulk(t.Context(), one(b.document(account("new", ""))), func() (bool, error) { return false, refusal })
	if !errors.Is(err, refusal) || get(b.as("admin"), "org.couchdb.user:new") != "missing" {
		t.Errorf("%v", err)
	}
}
