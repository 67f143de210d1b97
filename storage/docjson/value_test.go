package docjson_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"settle/storage/couch"
	"settle/storage/docjson"
)

// readValue reads a whole text by Value.
func readValue(src io.Reader) (string, error) {
	r := docjson.NewReader(src)
	v, err := r.Value()
	if err == nil {
		err = r.End()
	}
	return string(v), err
}

func TestValue(t *testing.T) {
	tests := []struct{ text, want string }{
		{` [ 1 , { "a" : null } ] ` + "\n", `[1,{"a":null}]`},
		{`{"a":1,"b":2,"a":3}`, `{"b":2,"a":3}`},
		{`{"a":1,"a":2,"a":3}`, `{"a":3}`},
		{`{"a":{"x":1,"x":2},"b":[],"a":{"y":1,"z":2,"y":3}}`, `{"b":[],"a":{"z":2,"y":3}}`},
		{`{"a":1,"\u0061":2}`, `{"a":2}`},
		{`{"":1,"":2}`, `{"":2}`},
		{`"\"\\\/\b\f\n\r\t\u0041\u00e9\u20ac\ud83d\ude00\u0001\u001f\u007f/"`, `"\"\\/\b\f\n\r\tAé€😀\u0001\u001F` + "\x7f" + `/"`},
		{`"\u2028\uffff\ufdd0\ufffd"`, "\"\u2028\uffff\ufdd0\ufffd\""},
		{`-0`, `0`}, {`-0.0`, `0.0`}, {`0e5`, `0.0`}, {`-1`, `-1`},
		{`123456789012345678901234567890`, `123456789012345678901234567890`},
		{`1.10`, `1.1`}, {`1E3`, `1000.0`}, {`1e20`, `100000000000000000000.0`}, {`1e21`, `1e+21`},
		{`999999999999999900000.0`, `999999999999999900000.0`}, {`1e100`, `1e+100`}, {`-1.5e-10`, `-1.5e-10`},
		{`1e-6`, `0.000001`}, {`1e-7`, `1e-7`}, {`9.99e-7`, `9.99e-7`}, {`1e-100`, `1e-100`},
		{`5e-324`, `0.0`}, {`5.0e-324`, `5e-324`}, {`1e-400`, `0.0`}, {`0e400`, `0.0`},
		{`0.1e-400`, `0.0`},
		{strings.Repeat("9", 308), strings.Repeat("9", 308)},
	}
	for _, tt := range tests {
		got, err := readValue(strings.NewReader(tt.text))
		if err != nil || got != tt.want {
			t.Errorf("Value(%.80s) = %.80s, %v; want %.80s", tt.text, got, err, tt.want)
		}
	}
}

func TestMalformed(t *testing.T) {
	tests := []string{
		``, ` `, `{`, `[`, `"`, `{"a"`, `{"a":`, `{"a":1`, `{"a":1,`, `{"a":1,}`, `[1,]`, `[,1]`, `{,}`, `{"a" 1}`,
		`{a:1}`, `{1:2}`, `[1 2]`, `[1}`, `{"a":1]`, `1 2`, `{}{}`, `]`, `,`, `x`,
		`nul`, `nulll`, `True`, `+1`, `.5`, `5.`, `1e`, `1e+`, `0x10`, `01`, `-01`, `-`, `--1`, `1.2.3`, `1e5.5`, `Infinity`, `NaN`,
		`1e400`, `-1e309`, `1.0e309`, `1e99999999999999999999`, "1" + strings.Repeat("0", 309), strings.Repeat("1", 1025),
		`"\x41"`, `"\u12"`, `"\u12G4"`, `"a`, "\"\x01\"", "\"\n\"", `"\`, `"\u`, `"\ud83d"`, `"\ude00"`, `"\ud83dx"`, `"\ud83d\n"`,
		`"\ude00\ud83d"`, `"\ud83d\u0041"`, "\"\xe2\x82\"", "\"\xc0\x80\"", "\"\xed\xa0\xbd\"", "\"\xff\"", "\xef\xbb\xbf{}", "\"\xf0\x9f\x98",
	}
	for _, text := range tests {
		if got, err := readValue(strings.NewReader(text)); kindOf(err) != couch.BadRequest {
			t.Errorf("Value(%.40q) = %.40s, %v; want a BadRequest", text, got, err)
		}
		r := docjson.NewReader(strings.NewReader(text))
		if err := r.Skip(); err == nil && r.End() == nil {
			t.Errorf("Skip(%.40q): no error", text)
		}
	}
}

func TestDepth(t *testing.T) {
	for _, brackets := range [][2]string{{`[`, `]`}, {`{"a":`, `}`}} {
		text := func(n int) string {
			return strings.Repeat(brackets[0], n-1) + map[string]string{`[`: `[]`, `{"a":`: `{}`}[brackets[0]] + strings.Repeat(brackets[1], n-1)
		}
		if got, err := readValue(strings.NewReader(text(docjson.MaxDepth))); err != nil || got != text(docjson.MaxDepth) {
			t.Errorf("depth %d: %v", docjson.MaxDepth, err)
		}
		for name, read := range map[string]func(*docjson.Reader) error{
			"Value": func(r *docjson.Reader) error { _, err := r.Value(); return err },
			"Skip":  (*docjson.Reader).Skip,
			"Document": func(r *docjson.Reader) error {
				_, err := r.Document(docjson.Options{})
				return err
			},
		} {
			r := docjson.NewReader(strings.NewReader(strings.Repeat(brackets[0], 1_000_000)))
			if err := read(r); kindOf(err) != couch.BadRequest {
				t.Errorf("%s of too deep JSON: %v", name, err)
			}
		}
	}
}

// Objects of many members find duplicates by hash.
func TestWideObject(t *testing.T) {
	const n = 1000
	var in, out strings.Builder
	in.WriteByte('{')
	for i := range n {
		fmt.Fprintf(&in, `"k%d":0,`, i)
	}
	in.WriteString(`"inner":{"k1":7,"k1":8}`)
	out.WriteString(`{"k0":0,"inner":{"k1":8}`)
	for i := 1; i < n; i++ {
		fmt.Fprintf(&in, `,"k%d":{"v":%d}`, i, i)
		fmt.Fprintf(&out, `,"k%d":{"v":%d}`, i, i)
	}
	got, err := readValue(strings.NewReader(in.String() + "}"))
	if want := out.String() + "}"; err != nil || got != want {
		t.Errorf("got %.200s, %v\nwant %.200s", got, err, want)
	}
	doc := parse(t, in.String()+"}")
	checkTerm(t, doc.Body.Text, doc.Body.Term)
}

// Pieces of any length, and a buffer's end anywhere, give the same text.
func TestChunks(t *testing.T) {
	for pad := range 40 {
		s := strings.Repeat("x", 16<<10-20+pad) + `é€😀\ud83d\ude00\n` + strings.Repeat("😀", 9000)
		want := strings.ReplaceAll(s, `\ud83d\ude00`, "😀")
		got, err := readValue(strings.NewReader(`["` + s + `", 12345.5, true]`))
		if err != nil || got != `["`+want+`",12345.5,true]` {
			t.Fatalf("pad %d: %v, %d bytes", pad, err, len(got))
		}
	}
}

func TestReadError(t *testing.T) {
	broken := errors.New("broken")
	for _, text := range []string{``, `{`, `{"a":"`, `[1`, `[1,"\u00`} {
		src := io.MultiReader(strings.NewReader(text), iotest.ErrReader(broken))
		if _, err := readValue(src); !errors.Is(err, broken) {
			t.Errorf("%q: %v, want the reader's error", text, err)
		}
	}
	r := docjson.NewReader(io.MultiReader(strings.NewReader(`{} `), iotest.ErrReader(broken)))
	if err := r.Skip(); err != nil {
		t.Fatal(err)
	}
	if err := r.End(); !errors.Is(err, broken) {
		t.Errorf("End: %v", err)
	}
	if _, err := r.Kind(); !errors.Is(err, broken) {
		t.Errorf("Kind after an error: %v", err)
	}
}

func TestLargeValues(t *testing.T) {
	long := io.MultiReader(strings.NewReader(`"`), io.LimitReader(repeat('x'), docjson.MaxValue+1), strings.NewReader(`"`))
	if _, err := docjson.NewReader(long).Value(); kindOf(err) != couch.RequestTooLarge {
		t.Errorf("Value: %v", err)
	}
	long = io.MultiReader(strings.NewReader(`"`), io.LimitReader(repeat('x'), docjson.MaxValue+1), strings.NewReader(`"`))
	if _, err := docjson.NewReader(long).String(); kindOf(err) != couch.RequestTooLarge {
		t.Errorf("String: %v", err)
	}
}

// repeat is an endless stream of one byte.
type repeat byte

func (c repeat) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(c)
	}
	return len(p), nil
}

// What is skipped takes no memory.
func TestSkipMemory(t *testing.T) {
	src := io.MultiReader(strings.NewReader(`{"a":["`), io.LimitReader(repeat('x'), 64<<20), strings.NewReader(`"],"b":1}`))
	allocated := testing.AllocsPerRun(1, func() {
		r := docjson.NewReader(src)
		_ = r.Skip()
		src = strings.NewReader(`null`)
	})
	if allocated > 20 {
		t.Errorf("%v allocations", allocated)
	}
}

func FuzzValue(f *testing.F) {
	for _, s := range []string{`{"a":[1,-2.5e3,true,null,"é\u0001\ud83d\ude00"],"a":{}}`, `[[[]]]`, `1e400`, `"\ud83d"`, `-0`, "\"\xff\"", `{"k":1,"l":[1,2,{}],"k":[]}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		got, err := readValue(bytes.NewReader(in))
		if slow, slowErr := readValue(iotest.OneByteReader(bytes.NewReader(in))); slow != got || fmt.Sprint(slowErr) != fmt.Sprint(err) {
			t.Fatalf("%q: %q, %v; in single bytes %q, %v", in, got, err, slow, slowErr)
		}
		r := docjson.NewReader(bytes.NewReader(in))
		if skipErr := firstOf(r.Skip, r.End); fmt.Sprint(skipErr) != fmt.Sprint(err) {
			t.Fatalf("%q: Value %v, Skip %v", in, err, skipErr)
		}
		if err != nil {
			if json.Valid(in) && !isDocumentedDifference(in) {
				t.Fatalf("%q is refused: %v", in, err)
			}
			return
		}
		if again, err := readValue(strings.NewReader(got)); again != got || err != nil {
			t.Fatalf("%q: %q is no fixed point: %q, %v", in, got, again, err)
		}
		var want, have any
		if json.Unmarshal(in, &want) != nil || json.Unmarshal([]byte(got), &have) != nil {
			t.Fatalf("%q or %q is no JSON", in, got)
		}
		if diff := cmp.Diff(want, have, cmpopts.EquateApprox(1e-14, 1e-300)); diff != "" {
			t.Fatalf("%q: %q (-in +out):\n%s", in, got, diff)
		}
		term, err := docjson.Term([]byte(got))
		if err != nil {
			t.Fatal(err)
		}
		checkTerm(t, []byte(got), term)
	})
}

func firstOf(steps ...func() error) error {
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// isDocumentedDifference reports whether valid JSON has what the package refuses
// all the same.
func isDocumentedDifference(in []byte) bool {
	if !utf8.Valid(in) || bytes.Contains(bytes.ToLower(in), []byte(`\ud`)) || bytes.Count(in, []byte("[")) > docjson.MaxDepth {
		return true
	}
	d := json.NewDecoder(bytes.NewReader(in))
	d.UseNumber()
	for {
		tok, err := d.Token()
		if err != nil {
			return false
		}
		if n, ok := tok.(json.Number); ok {
			f, err := n.Float64()
			_, exp, _ := strings.Cut(strings.ToLower(string(n)), "e")
			if err != nil || math.IsInf(f, 0) || len(n) > 1024 || len(exp) > 3 {
				return true
			}
		}
	}
}
