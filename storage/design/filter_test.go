package design_test

import (
	"fmt"
	"testing"
)

func TestRequestsAreScrubbed(t *testing.T) {
	e := small(t, nil)
	d := document(t, e, map[string]any{
		"shows":   map[string]string{"s": "function (doc, req) { return JSON.stringify(req); }"},
		"filters": map[string]string{"f": "function (doc, req) { return req.cookie.AuthSession || req.headers.Cookie || req.headers.authorization; }"},
	})
	req := []byte(`{"cookie":{"AuthSession":"secret","a":"b"},"headers":{"Authorization":"secret","authorization":"secret","Cookie":"secret","X":"y"},"userCtx":{"name":"u"}}`)
	r, err := d.Show(t.Context(), "s", nil, req)
	if err != nil || string(r.Body) != `{"cookie":{"a":"b"},"headers":{"X":"y"},"userCtx":{"name":"u"}}` {
		t.Errorf("%s, %v", r.Body, err)
	}
	pass, err := d.Filter(t.Context(), "f", [][]byte{[]byte(`{}`)}, req)
	if err != nil || pass[0] {
		t.Errorf("%v, %v", pass, err)
	}
}

func TestFilterByView(t *testing.T) {
	e := small(t, nil)
	d := document(t, e, map[string]any{"views": map[string]any{
		"v": map[string]string{"map": "function (doc) { if (doc.n > 1) { emit(); emit(); } doc.n = 5; }"},
		"t": map[string]string{"map": "function (doc) { throw new Error('x'); }"},
	}})
	docs := make([][]byte, 250)
	for i := range docs {
		docs[i] = fmt.Appendf(nil, `{"n":%d}`, i%3)
	}
	pass, err := d.FilterByView(t.Context(), "v", docs)
	if err != nil || len(pass) != len(docs) {
		t.Fatal(err)
	}
	for i := range pass {
		if pass[i] != (i%3 == 2) {
			t.Errorf("%d passes: %v", i, pass[i])
		}
	}
	if _, err := d.FilterByView(t.Context(), "t", docs[:1]); !isNamed(err, "Error") {
		t.Errorf("error %v", err)
	}
}
