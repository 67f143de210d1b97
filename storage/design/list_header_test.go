package design_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"settle/storage/design"
)

// listed runs a list function, the body of one, over two rows, and says what came of it:
// "code" wherever it was told one, "|" before what came after that, and how it failed.
func listed(t *testing.T, e *design.Engine, body string) string {
	t.Helper()
	d := document(t, e, map[string]any{"lists": map[string]string{"l": "function (head, req) { " + body + " }"}})
	var b strings.Builder
	err := d.List(t.Context(), "l", design.Listing{
		Head: []byte(`{}`), Req: []byte(`{}`), Rows: rowsOf(`"1"`, `"2"`),
		Start: func(r design.Response) error { fmt.Fprintf(&b, "%d|", r.Code); return nil },
		Chunk: func(text string) error { b.WriteString(text); return nil },
	})
	if _, ok := errors.AsType[*design.AtRowError](err); ok {
		b.WriteString(" at a row")
	}
	if thrown, ok := errors.AsType[*design.Error](err); ok {
		b.WriteString(" " + thrown.Name)
	} else if err != nil {
		t.Errorf("%s: %v", body, err)
	}
	return b.String()
}

// The header may change until a part of the answer stands in front of a row.
func TestListHeader(t *testing.T) {
	e := engine(t, loopTime, nil)
	for body, want := range map[string]string{
		`start({code: 201}); return "a";`:                                  "201|a",
		`start({code: 201}); start({code: 202}); return "a";`:              "202|a",
		`getRow(); start({code: 201}); return "a";`:                        "200|201|a",
		`getRow(); send("a"); start({code: 201}); getRow();`:               "200|201|a",
		`getRow(); send("a"); getRow(); start({code: 201}); getRow();`:     "200|a",
		`send("a"); getRow(); start({code: 201}); getRow();`:               "200|a",
		`while (getRow()) ; start({code: 201}); return "a";`:               "200|201|a",
		`getRow(); send("a"); start({code: 201}); return "b";`:             "200|201|ab",
		`getRow(); send("a".repeat(70000)); start({code: 201}); getRow();`: "200|" + strings.Repeat("a", 70000),
	} {
		if got := listed(t, e, body); got != want {
			t.Errorf("%s: %.100s, want %.100s", body, got, want)
		}
	}
}

// What stands in front of the row at which a function fails is part of the answer.
func TestListFailsAtRow(t *testing.T) {
	e := engine(t, loopTime, nil)
	const fail = `throw ["error", "teapot", "x"];`
	for body, want := range map[string]string{
		`send("a"); ` + fail:                                " teapot",
		`getRow(); ` + fail:                                 "200| at a row teapot",
		`getRow(); send("a"); ` + fail:                      "200| at a row teapot",
		`getRow(); send("a"); getRow(); send("b"); ` + fail: "200|a at a row teapot",
		`send("a"); getRow(); send("b"); ` + fail:           "200|a at a row teapot",
		`while (getRow()) ; ` + fail:                        "200| teapot",
	} {
		if got := listed(t, e, body); got != want {
			t.Errorf("%s: %s, want %s", body, got, want)
		}
	}
}
