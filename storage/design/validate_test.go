package design_test

import (
	"errors"
	"testing"

	"settle/storage/couch"
	"settle/storage/design"
)

func TestValidate(t *testing.T) {
	e := small(t, nil)
	update := design.Update{New: []byte(`{"_id":"x","a":1}`), Old: []byte(`{"_id":"x"}`), UserCtx: []byte(`{"name":"u","roles":["r"]}`), Security: []byte(`{"admins":{}}`)}
	for _, test := range []struct {
		body, name, reason string
		kind               error
	}{
		{"", "", "", nil},
		{"return {forbidden: 'x'}", "", "", nil},
		{"throw {forbidden: JSON.stringify([n, o, u, s])}", "forbidden", `[{"_id":"x","a":1},{"_id":"x"},{"name":"u","roles":["r"]},{"admins":{}}]`, &couch.Error{Kind: couch.Forbidden}},
		{"throw {unauthorized: 'log in'}", "unauthorized", "log in", &couch.Error{Kind: couch.Unauthorized}},
		{"throw {forbidden: {a: [1]}}", "forbidden", `{"a":[1]}`, &couch.Error{Kind: couch.Forbidden}},
		{"throw {unauthorized: 1, forbidden: 2}", "forbidden", "2", &couch.Error{Kind: couch.Forbidden}},
		{"throw {other: 'thing'}", "unknown_error", "thing", nil},
		{"throw 5", "unknown_error", "5", nil},
		{"throw undefined", "unknown_error", "null", nil},
		{"throw new Error('an error')", "Error", "an error", nil},
		{"nosuch()", "ReferenceError", "'nosuch' is not defined", nil},
		{"throw require('lib/x').refuse(this._id)", "forbidden", "by _design/v", &couch.Error{Kind: couch.Forbidden}},
		{"require('lib/none')", "invalid_require_path", "", nil},
	} {
		d := document(t, e, map[string]any{
			"_id": "_design/v", "validate_doc_update": "function (n, o, u, s) { " + test.body + " }",
			"lib": map[string]string{"x": "exports.refuse = function (id) { return {forbidden: 'by ' + id}; };"},
		})
		err := d.Validate(t.Context(), update)
		if test.name == "" {
			if err != nil {
				t.Errorf("%s: %v", test.body, err)
			}
			continue
		}
		var got *design.Error
		if !errors.As(err, &got) || got.Name != test.name || test.reason != "" && got.Text() != test.reason {
			t.Errorf("%s: %v, want %s: %s", test.body, err, test.name, test.reason)
		}
		if test.kind != nil && !errors.Is(err, test.kind) {
			t.Errorf("%s: kind of %v", test.body, err)
		}
	}
	if d := document(t, e, map[string]any{}); d.Validates() || d.Validate(t.Context(), update) != nil {
		t.Error("a design document without a function validates")
	}
}
