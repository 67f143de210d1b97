package design_test

import (
	"errors"
	"iter"
	"strings"
	"testing"
	"time"

	"settle/storage/design"
)

func TestListStreams(t *testing.T) {
	e := design.New(design.Options{Memory: 8 << 20, Time: loopTime})
	defer e.Close()
	d := document(t, e, map[string]any{"lists": map[string]string{
		"all": `function (head, req) { start({code: 201}); send("["); var row; while (row = getRow()) send(row.value + "\n"); send("]"); }`,
		"one": `function (head, req) { send(getRow().value + getRow); return 5; }`,
	}})
	const count = 100_000 / slow
	long := strings.Repeat("v", 1000)
	pulled := 0
	rows := func(yield func([]byte, error) bool) {
		for range count {
			pulled++
			if pulled == count/2 {
				time.Sleep(loopTime * 5 / 4) // the function's time does not run
			}
			if !yield([]byte(`{"value":"`+long+`"}`), nil) {
				return
			}
		}
	}
	size, code := 0, 0
	l := design.Listing{
		Head: []byte(`{}`), Req: []byte(`{}`), Rows: rows,
		Start: func(r design.Response) error { code = r.Code; return nil },
		Chunk: func(text string) error { size += len(text); return nil },
	}
	if err := d.List(t.Context(), "all", l); err != nil {
		t.Fatal(err)
	}
	if want := 2 + count*(len(long)+1); size != want || code != 201 || pulled != count {
		t.Errorf("code %d, %d bytes, want %d, %d rows", code, size, want, pulled)
	}
	pulled = 0
	if err := d.List(t.Context(), "one", l); err != nil || pulled > 100 {
		t.Errorf("%d rows for one, %v", pulled, err)
	}
}

func TestListErrors(t *testing.T) {
	e := engine(t, loopTime, nil)
	d := document(t, e, map[string]any{"lists": map[string]string{
		"l": `function (head, req) { try { var row; while (row = getRow()) send("x".repeat(100000)); } catch (e) {} return "end"; }`,
		"t": `function (head, req) { getRow(); throw new Error("x"); }`,
		"w": `function (head, req) { getRow(); while (true); }`,
		"s": `function (head, req) { start({code: "x"}); }`,
	}})
	broken := errors.New("broken")
	failing := func(yield func([]byte, error) bool) {
		_ = yield([]byte(`{}`), nil) && yield(nil, broken)
	}
	fine := func(design.Response) error { return nil }
	for _, test := range []struct {
		name  string
		rows  iter.Seq2[[]byte, error]
		start func(design.Response) error
		chunk error
		want  func(error) bool
	}{
		{"l", failing, fine, nil, func(err error) bool { return errors.Is(err, broken) }},
		{"l", rowsOf("{}", "{}"), fine, broken, func(err error) bool { return errors.Is(err, broken) }},
		{"l", rowsOf(), func(design.Response) error { return broken }, nil, func(err error) bool { return errors.Is(err, broken) }},
		{"l", rowsOf("{"), fine, nil, func(err error) bool { return err == nil }},
		{"t", rowsOf("{}"), fine, nil, func(err error) bool { return isNamed(err, design.RenderError) }},
		{"w", rowsOf("{}"), fine, nil, func(err error) bool { return isNamed(err, design.OSProcessError) }},
		{"s", rowsOf("{}"), fine, nil, func(err error) bool { return isNamed(err, "external_response_error") }},
	} {
		err := d.List(t.Context(), test.name, design.Listing{
			Head: []byte(`{}`), Req: []byte(`{}`), Rows: test.rows, Start: test.start,
			Chunk: func(string) error { return test.chunk },
		})
		if !test.want(err) {
			t.Errorf("%s: error %v", test.name, err)
		}
	}
}
