package design_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"settle/storage/couch"
	"settle/storage/design"
)

func TestMissingFunctions(t *testing.T) {
	e := small(t, nil)
	d := document(t, e, map[string]any{"shows": map[string]any{"": "x"}, "filters": 5, "views": map[string]any{"v": map[string]any{}}})
	ctx, req := t.Context(), []byte(`{}`)
	for name, f := range map[string]func() error{
		"s":        func() error { _, err := d.Show(ctx, "s", nil, req); return err },
		"f":        func() error { _, err := d.Filter(ctx, "f", nil, req); return err },
		"w":        func() error { _, err := d.FilterByView(ctx, "w", nil); return err },
		"map":      func() error { _, err := d.FilterByView(ctx, "v", nil); return err },
		"updates":  func() error { _, _, err := d.Update(ctx, "u", nil, req); return err },
		"lists":    func() error { return d.List(ctx, "l", design.Listing{Rows: rowsOf()}) },
		"rewrites": func() error { _, err := d.Rewrite(ctx, req); return err },
	} {
		err := f()
		if want := "missing json key: " + name; !isNamed(err, design.NotFound) || !errors.Is(err, couch.ErrNotFound) || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func TestLanguage(t *testing.T) {
	e := small(t, nil)
	d := document(t, e, map[string]any{"language": "cobol", "validate_doc_update": "x", "shows": map[string]string{"s": "x"}, "views": map[string]any{"v": map[string]string{"map": "x("}}})
	if err := d.CheckViews(t.Context()); err != nil {
		t.Error(err)
	}
	if err := d.Validate(t.Context(), design.Update{}); !isNamed(err, design.UnknownQueryLanguage) {
		t.Error(err)
	}
	_, err := d.Show(t.Context(), "s", nil, nil)
	if diff := cmp.Diff(map[string]any{"error": "unknown_query_language", "reason": "cobol"}, errorOf(err)); diff != "" {
		t.Error(diff)
	}
	for _, text := range []string{`{"language":5}`, `{"language":null}`, `[]`, `{`, `"x"`} {
		if _, err := e.Document(anyScope, []byte(text)); !isNamed(err, design.InvalidDesignDoc) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestBuiltInReductions(t *testing.T) {
	e := small(t, nil)
	for _, test := range []struct {
		language, reduce string
		refused          bool
	}{
		{"javascript", "_sum", false},
		{"javascript", "_counted", false},
		{"javascript", "_bottom_1", false},
		{"javascript", "_top_100", false},
		{"javascript", "_top_101", true},
		{"javascript", "_top_0", true},
		{"javascript", "_top_", true},
		{"javascript", "_bottom_x", true},
		{"javascript", "_other", true},
		{"erlang", "_other", false},
	} {
		d := document(t, e, map[string]any{"language": test.language, "views": map[string]any{"v": map[string]string{"map": "x", "reduce": test.reduce}}})
		if err := d.CheckShape(); isNamed(err, design.InvalidDesignDoc) != test.refused {
			t.Errorf("%s in %s: %v", test.reduce, test.language, err)
		}
	}
}

// FuzzDocument: whatever the text, opening and checking a design document gives
// errors of this package only.
func FuzzDocument(f *testing.F) {
	for _, text := range []string{
		`{}`, `[]`, `{"views":{"v":{"map":"function(doc){}","reduce":"_sum"},"lib":{}}}`, `{"views":{"v":{}}}`, `{"views":{"v":{"map":"x("}}}`,
		`{"language":"query","views":{"v":{"map":{}}}}`, `{"options":{"local_seq":1}}`, `{"a":1,"a":2}`, `{"views":{"v":{"map":"f","reduce":"_foo"}}}`, `{"rewrites":[]}`, `{`,
	} {
		f.Add(text)
	}
	e := design.New(design.Options{Time: time.Second, Memory: 8 << 20})
	f.Cleanup(func() { e.Close() })
	f.Fuzz(func(t *testing.T, text string) {
		d, err := e.Document(anyScope, []byte(text))
		if err == nil {
			err = errors.Join(d.CheckShape(), d.CheckViews(t.Context()))
		}
		var de *design.Error
		if err != nil && !errors.As(err, &de) {
			t.Errorf("%s: %v", text, err)
		}
	})
}
