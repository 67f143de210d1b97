package mango_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"settle/storage/couch"
	"settle/storage/mango"
)

// designs are the design documents of indexes that a test has made.
type designs map[couch.DocID][]byte

func (d designs) add(t *testing.T, request []byte) error {
	definition, err := mango.ParseDefinition(compact(t, request))
	if err != nil {
		return err
	}
	body, _, err := definition.AddTo(d[definition.Design])
	if err == nil {
		d[definition.Design] = body
	}
	return err
}

func (d designs) indexes() []*mango.Index {
	var all []*mango.Index
	for id, body := range d {
		all = append(all, mango.Indexes(id, body, false)...)
	}
	return all
}

func (d designs) plan(t *testing.T, request []byte) (*mango.Plan, error) {
	query, err := mango.ParseQuery(compact(t, request), 25)
	if err != nil {
		return nil, err
	}
	return mango.NewPlan(d.indexes(), query, nil)
}

func TestExplainAsRecorded(t *testing.T) {
	made, played := designs{}, 0
	for i, e := range readRecording(t, "mango-explain").Exchanges {
		switch {
		case e.Request.Path == "/alpha/_index":
			if err := made.add(t, e.Request.JSON); err != nil {
				t.Fatal(err)
			}
		case e.Request.JSON != nil && e.Response.Status == 200:
			plan, err := made.plan(t, e.Request.JSON)
			if err != nil {
				t.Fatalf("%d: %v", i, err)
			}
			got := mango.Explanation{Database: "alpha"}.AppendJSON(nil, plan)
			if diff := cmp.Diff(decode(t, e.Response.JSON), decode(t, got)); diff != "" {
				t.Errorf("%d: %s: %s", i, e.Request.JSON, diff)
			}
			played++
		}
	}
	if played < 15 {
		t.Errorf("only %d exchanges played", played)
	}
}

func decode(t *testing.T, text []byte) any {
	t.Helper()
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return v
}

func TestIndexesAsRecorded(t *testing.T) {
	for _, name := range []string{"mango-index-auto", "mango-index-bad"} {
		t.Run(name, func(t *testing.T) {
			made := designs{"_design/js": []byte(`{"views":{}}`)}
			for i, e := range readRecording(t, name).Exchanges {
				if e.Request.Method != "POST" || e.Request.Path != "/alpha/_index" || e.Request.JSON == nil {
					continue
				}
				err := made.add(t, e.Request.JSON)
				if (err == nil) != (e.Response.Status == 200) {
					t.Errorf("%d: %s: %v, recorded was %s", i, e.Request.JSON, err, e.Response.JSON)
				}
				var answer struct{ ID couch.DocID }
				if err := json.Unmarshal(e.Response.JSON, &answer); err != nil {
					t.Fatal(err)
				}
				if err == nil && made[answer.ID] == nil {
					t.Errorf("%d: %s: no %s was made", i, e.Request.JSON, answer.ID)
				}
			}
		})
	}
}

func TestPlan(t *testing.T) {
	made := designs{}
	for _, index := range []string{
		`{"index":{"fields":["a"]},"ddoc":"a","name":"a"}`,
		`{"index":{"fields":["a","b"]},"ddoc":"ab","name":"ab"}`,
		`{"index":{"fields":["n"],"partial_filter_selector":{"s":1}},"ddoc":"p","name":"p"}`,
		`{"index":{"fields":["q"]},"ddoc":"q","name":"q","partitioned":true}`,
	} {
		if err := made.add(t, []byte(index)); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		query string
		want  string // the index, its low and high keys
	}{
		{`{"selector":{"a":{"$gt":1,"$gte":2,"$lt":9}}}`, `a [[2] [9]]`},
		{`{"selector":{"a":{"$gt":9,"$lt":1}}}`, `a empty`},
		{`{"selector":{"a":{"$gt":1,"$lte":1}}}`, `a empty`},
		{`{"selector":{"$and":[{"a":1},{"a":1}]}}`, `a [[1] [1]]`},
		{`{"selector":{"$and":[{"a":1},{"a":2}]}}`, `a empty`},
		{`{"selector":{"a":1,"b":{"$lt":3}}}`, `ab [[1] [1 3]]`},
		{`{"selector":{"a":1},"sort":["b"]}`, `ab [[1] [1]]`},
		{`{"selector":{"a":{"$gt":1}},"sort":["b"]}`, `none`},
		{`{"selector":{"a":{"$exists":false}}}`, `_all_docs [[] []]`},
		{`{"selector":{"$or":[{"a":1},{"a":2}]}}`, `a [[] []]`},
		{`{"selector":{"$or":[]}}`, `_all_docs empty`},
		{`{"selector":{"a":1,"b":{"$gt":5,"$lt":3}}}`, `a [[] []]`},
		{`{"selector":{"b":{"$gt":5,"$lt":3},"_id":"x"}}`, `_all_docs [[] []]`},
		{`{"selector":{"_id":{"$gt":"B","$lt":"a"}}}`, `_all_docs empty`},
		{`{"selector":{"_id":{"$gt":"b","$gte":"C"}}}`, `_all_docs [["C"] []]`},
		{`{"selector":{"_id":{"$gte":"x"}},"sort":["_id"]}`, `_all_docs [["x"] []]`},
		{`{"selector":{"_id":{"$in":["x"]}},"sort":["_id"]}`, `none`},
		{`{"selector":{"_id":{"$ne":"x"}},"sort":["_id"]}`, `none`},
		{`{"selector":{"a":{"$gt":1}},"sort":["a","a"]}`, `none`},
		{`{"selector":{"n":1}}`, `_all_docs [[] []]`},
		{`{"selector":{"n":1},"use_index":"p"}`, `p [[1] [1]]`},
		{`{"selector":{"n":1},"use_index":"_design/p/p"}`, `p [[1] [1]]`},
		{`{"selector":{"n":1},"use_index":["p","other"]}`, `_all_docs [[] []]`},
		{`{"selector":{"q":1}}`, `_all_docs [[] []]`},
		{`{"selector":{"q":1},"partition":"x"}`, `q [[1] [1]]`},
		{`{"selector":{"a":1},"partition":"x"}`, `_all_docs [[] []]`},
		{`{"selector":{"a":1,"$text":"x"}}`, `_all_docs [[] []]`},
		{`{"selector":{"a":1},"allow_fallback":false}`, `a [[1] [1]]`},
		{`{"selector":{"z":1},"allow_fallback":false}`, "invalid: You must specify an index with the `use_index` parameter."},
		{`{"selector":{"a":1},"use_index":"z","allow_fallback":false}`,
			"invalid: _design/z specified by `use_index` could not be found or it is not suitable."},
		{`{"selector":{"a":1},"use_index":["_design/ab","x"],"allow_fallback":false}`,
			"invalid: _design/ab, x specified by `use_index` could not be found or it is not suitable."},
		{`{"selector":{"a":{"$gt":1}},"sort":["b"],"allow_fallback":false}`, `none`},
	} {
		plan, err := made.plan(t, []byte(tt.query))
		if got := summary(plan, err); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.query, got, tt.want)
		}
	}
}

func summary(p *mango.Plan, err error) string {
	switch {
	case errors.Is(err, &couch.Error{Kind: couch.InvalidIndex}):
		return "invalid: " + err.Error()
	case err != nil:
		return err.Error()
	case p.Index == nil:
		return "none"
	case p.Keys.Empty:
		return p.Index.Name + " empty"
	}
	return fmt.Sprintf("%s [%s %s]", p.Index.Name, p.Keys.Low, p.Keys.High)
}

func TestRemoveFrom(t *testing.T) {
	made := designs{}
	for _, index := range []string{`{"index":{"fields":["a"]},"ddoc":"d","name":"a"}`, `{"index":{"fields":["b"]},"ddoc":"d","name":"b"}`} {
		if err := made.add(t, []byte(index)); err != nil {
			t.Fatal(err)
		}
	}
	body := made["_design/d"]
	if _, err := mango.RemoveFrom(body, "c"); !errors.Is(err, couch.ErrNotFound) {
		t.Errorf("an index that is not there: %v", err)
	}
	body, err := mango.RemoveFrom(body, "a")
	if err != nil {
		t.Fatal(err)
	}
	names := []string{}
	for _, x := range mango.Indexes("_design/d", body, false) {
		names = append(names, x.Name)
	}
	if !slices.Equal(names, []string{"b"}) {
		t.Errorf("left are %q, want b", names)
	}
	if body, err = mango.RemoveFrom(body, "b"); body != nil || err != nil {
		t.Errorf("the last one left %s, %v", body, err)
	}
}

func TestAppendKey(t *testing.T) {
	made := designs{}
	if err := made.add(t, []byte(`{"index":{"fields":["o.x","a"],"partial_filter_selector":{"s":{"$gt":1}}},"ddoc":"d","name":"a"}`)); err != nil {
		t.Fatal(err)
	}
	index := made.indexes()[0]
	for doc, want := range map[string]string{
		`{"_id":"1","o":{"x":null},"a":[1],"s":2}`: `[null,[1]]`,
		`{"_id":"2","o":{"x":1},"s":2}`:            ``,
		`{"_id":"3","o":{"x":1},"a":2,"s":1}`:      ``,
	} {
		key, ok := index.AppendKey(nil, []byte(doc))
		if string(key) != want || ok != (want != "") {
			t.Errorf("%s: got %s, %t, want %s", doc, key, ok, want)
		}
	}
}

func TestBookmark(t *testing.T) {
	b := mango.Bookmark{Key: []byte(`["é",1]`), ID: `a"b`}
	inIndex := b
	inIndex.Index = `_design/d/"`
	for _, want := range []mango.Bookmark{b, inIndex} {
		got, err := mango.ParseBookmark(want.String())
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%v: %s", err, diff)
		}
	}
	text := func(json string) string { return base64.RawURLEncoding.EncodeToString([]byte("\x01" + json)) }
	for _, bad := range []string{"garbage", "nil", "", "AQ", b.String() + "A", text(`[1]`), text(`[1,2]`), text(`[1,"a",2]`), text(`[1,"a","b","c"]`)} {
		if got, err := mango.ParseBookmark(bad); err == nil {
			t.Errorf("%q is read as %v", bad, got)
		}
	}
}

func FuzzQuery(f *testing.F) {
	f.Add([]byte(`{"selector":{"a":{"$gt":1}},"sort":["a"],"fields":["_id"],"use_index":["d","n"]}`))
	f.Add([]byte(`{"index":{"fields":[{"a":"asc"}],"partial_filter_selector":{"a":1}},"ddoc":"d"}`))
	made := designs{}
	f.Fuzz(func(t *testing.T, body []byte) {
		if q, err := mango.ParseQuery(body, 25); err == nil {
			plan, err := mango.NewPlan(made.indexes(), q, nil)
			if err == nil && !json.Valid(mango.Explanation{}.AppendJSON(nil, plan)) {
				t.Errorf("the explanation of %s is no JSON", body)
			}
		}
		if d, err := mango.ParseDefinition(body); err == nil {
			text, _, err := d.AddTo(nil)
			if err != nil || !json.Valid(text) {
				t.Errorf("%s makes %s, %v", body, text, err)
			}
		}
	})
}
