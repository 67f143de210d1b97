package collate_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"settle/storage/collate"
)

func key(t testing.TB, text string) []byte {
	t.Helper()
	k, err := collate.AppendKey(nil, []byte(text))
	if err != nil {
		t.Fatalf("AppendKey(%.80s): %v", text, err)
	}
	return k
}

// ladders are values in ascending order.
var ladders = map[string][]string{
	"kinds": {"null", "false", "true", "-1.5", "0", "1", `""`, `"a"`, "[]", "[null]", "{}", `{"a":null}`},
	"documentation": {
		"null", "false", "true", "1", "2", "3.0", "4", `"a"`, `"A"`, `"aa"`, `"b"`, `"B"`, `"ba"`, `"bb"`,
		`["a"]`, `["b"]`, `["b","c"]`, `["b","c","a"]`, `["b","d"]`, `["b","d","e"]`,
		`{"a":1}`, `{"a":2}`, `{"b":1}`, `{"b":2}`, `{"b":2,"a":1}`, `{"b":2,"c":2}`,
	},
	"recorded mango sort": {"null", "true", "1", "2", "3", `"2"`, "[1]", `{"z":1}`},
	"numbers": {
		"-1.7e308", "-10000000000000000000001", "-10000000000000000000000.0", "-9007199254740993", "-9007199254740992", "-2", "-1.5", "-0.000001",
		"0", "1e-7", "0.5", "1", "1.5", "2", "9007199254740991", "9007199254740992", "9007199254740993", "9007199254740994.0",
		"9223372036854775807", "9223372036854775808", "18446744073709551616", "18446744073709551617", "1e+21", "1000000000000000000001", "1e308",
	},
	"ascii": {
		`"\u0009"`, `"\u000a"`, `" "`, `"_"`, `"-"`, `","`, `";"`, `":"`, `"!"`, `"?"`, `"."`, `"'"`, `"\""`, `"("`, `")"`, `"["`, `"]"`, `"{"`, `"}"`,
		`"@"`, `"*"`, `"/"`, `"\\"`, `"&"`, `"#"`, `"%"`, "\"`\"", `"^"`, `"+"`, `"<"`, `"="`, `">"`, `"|"`, `"~"`, `"$"`,
		`"0"`, `"1"`, `"9"`, `"a"`, `"A"`, `"b"`, `"B"`, `"z"`, `"Z"`,
	},
	"words":    {`"co-op"`, `"CO-OP2"`, `"coop"`, `"résumé"`, `"Résumé"`, `"résumés"`},
	"accents":  {`"cote"`, `"Cote"`, `"coté"`, `"côte"`, `"côté"`, `"cotf"`},
	"case":     {`"ab"`, `"aB"`, `"Ab"`, `"AB"`, `"abc"`},
	"scripts":  {`"€"`, `"0"`, `"z"`, `"α"`, `"я"`, `"א"`, `"ب"`, `"한"`, `"あ"`, `"日"`},
	"end keys": {`"foo"`, `"foo 😀"`, `"foo 🤔"`, `"foo🤔"`, `"foo1"`, `"fooz"`, `"foo日"`, `"foo\ufff0"`, `"foo\uffff"`, `"fop"`},
	"newer":    {`"~"`, `"🗿"`, `"🤔"`, `"🥇"`, `"🫠"`, `"$"`, `"€"`, `"₽"`, `"₿"`, `"0"`},
	"arrays":   {"[]", "[null]", "[[]]", "[[],null]", "[[null]]", "[[null,null]]", "[[[]]]", "[{}]", `[{},""]`},
	"objects":  {"{}", `{"":null}`, `{"a":1}`, `{"a":1,"b":1}`, `{"a":1,"b":2}`, `{"a":[]}`, `{"b":null}`},
}

func TestOrder(t *testing.T) {
	for name, ladder := range ladders {
		for i, a := range ladder {
			for j, b := range ladder {
				want := cmpInt(i, j)
				if got := collate.Compare([]byte(a), []byte(b)); got != want {
					t.Errorf("%s: Compare(%s, %s) = %d, want %d", name, a, b, got, want)
				}
				if got := bytes.Compare(key(t, a), key(t, b)); got != want {
					t.Errorf("%s: keys of %s and %s compare %d, want %d", name, a, b, got, want)
				}
			}
		}
	}
}

func cmpInt(i, j int) int {
	switch {
	case i < j:
		return -1
	case i > j:
		return 1
	}
	return 0
}

// Values that are equal under collation, and not to others.
var equals = [][]string{
	{"0", "-0", "0.0", "-0.0", "0e5"},
	{"2", "2.0", "20e-1"},
	{"1e+21", "1000000000000000000000", "1000000000000000000000.0"},
	{"9007199254740992", "9007199254740992.0"},
	{`"é"`, `"e\u0301"`, "\"e\u0301\"", `"\u00e9"`},
	{`"a"`, `"a\u0001"`, `"\u0000a"`, `"\u0061"`},
	{`""`, `"\u0000"`},
	{`["é",1]`, `["e\u0301",1.0]`, ` [ "é" , 1 ] `},
	{`{"é":1}`, `{"e\u0301":1}`},
	{`"/"`, `"\/"`},
}

func TestEqual(t *testing.T) {
	for i, class := range equals {
		for _, a := range class {
			for j, other := range equals {
				for _, b := range other {
					got, sameKey := collate.Compare([]byte(a), []byte(b)), bytes.Equal(key(t, a), key(t, b))
					if (got == 0) != (i == j) || sameKey != (i == j) {
						t.Errorf("%s and %s: Compare %d, same key %v", a, b, got, sameKey)
					}
				}
			}
		}
	}
}

func TestRaw(t *testing.T) {
	ladder := []string{
		"-2", "1", "1.5", "false", "null", "true", "{}", `{"B":1}`, `{"a":1}`, `{"a":1,"b":0}`, `{"a":2}`, `{"aa":0}`,
		"[]", "[1]", "[1,2]", `["a"]`, `["a","a"]`, `""`, `"A"`, `"B"`, `"a"`, `"e\u0301"`, `"é"`,
	}
	for i, a := range ladder {
		for j, b := range ladder {
			if got := collate.CompareRaw([]byte(a), []byte(b)); got != cmpInt(i, j) {
				t.Errorf("CompareRaw(%s, %s) = %d, want %d", a, b, got, cmpInt(i, j))
			}
		}
	}
	if collate.CompareRaw([]byte("1"), []byte("1.0")) != 0 || collate.CompareRaw([]byte("[ ]"), []byte("[]")) != 0 {
		t.Error("1 and 1.0, or two empty arrays, differ")
	}
}

func TestInvalid(t *testing.T) {
	deep := strings.Repeat("[", collate.MaxDepth+1) + strings.Repeat("]", collate.MaxDepth+1)
	for _, text := range []string{
		"", " ", "nul", "nullx", "tru", "x", "-", "01", "1.", ".5", "+1", "1e", "1e+", "1e400", "1-2", "--1", strings.Repeat("9", 309), strings.Repeat("1", 1025),
		`"`, `"a`, `"\x"`, `"\u12"`, `"\ud800"`, `"\ud800\u0041"`, `"\udc00"`, "\"\xff\"", `"a\"`, "\"\x01\"", "\"\x1fa\\n\"",
		"[", "[1", "[1,", "[1,]", "[,1]", "[1 2]", "[1}", "{", `{"a"}`, `{"a":}`, `{"a":1,}`, `{1:2}`, `{"a":1]`, "1 2", "[]]", deep,
	} {
		before := []byte("before")
		if got, err := collate.AppendKey(before, []byte(text)); !errors.Is(err, collate.ErrInvalid) || string(got) != "before" {
			t.Errorf("AppendKey(%.40s) = %q, %v", text, got, err)
		}
		for _, other := range []string{text, "1", `"a"`, "[1,2]", `{"a":1}`} {
			collate.Compare([]byte(text), []byte(other)) // must not panic
			collate.CompareRaw([]byte(text), []byte(other))
		}
	}
	deepest := deep[1 : len(deep)-1]
	if collate.Compare([]byte(deepest), []byte(deepest)) != 0 || len(key(t, deepest)) == 0 {
		t.Error("the deepest nesting is refused")
	}
}

// Keys may stand one behind the other, as in an index of several fields.
func TestPrefixFree(t *testing.T) {
	var all []string
	for _, ladder := range ladders {
		all = append(all, ladder...)
	}
	for _, a := range all {
		for _, b := range all {
			x, y := key(t, a), key(t, b)
			if bytes.HasPrefix(y, x) && !bytes.Equal(x, y) {
				t.Errorf("the key of %s begins that of %s", a, b)
			}
		}
	}
}

func TestConcurrentUse(t *testing.T) {
	texts := []string{`"é"`, `"e\u0301"`, `"日本"`, `"Zürich"`, `"zurich"`}
	want := make([][]byte, len(texts))
	for i, text := range texts {
		want[i] = key(t, text)
	}
	t.Run("all", func(t *testing.T) {
		for range 8 {
			t.Run("", func(t *testing.T) {
				t.Parallel()
				for range 200 {
					for i, text := range texts {
						if !bytes.Equal(key(t, text), want[i]) {
							t.Fatalf("another key for %s", text)
						}
					}
					sorted := slices.Clone(texts)
					slices.SortFunc(sorted, func(a, b string) int { return collate.Compare([]byte(a), []byte(b)) })
					if sorted[2] != `"zurich"` {
						t.Fatalf("sorted %q", sorted)
					}
				}
			})
		}
	})
}

func BenchmarkCompare(b *testing.B) {
	for name, pair := range map[string][2]string{
		"ascii": {`"2026-11-22T17:00:00Z"`, `"2026-11-22T18:00:00Z"`}, "unicode": {`"Zürich"`, `"Züricher"`},
		"numbers": {"123456", "123457"}, "arrays": {`["a",1,true]`, `["a",1,false]`},
	} {
		b.Run(name, func(b *testing.B) {
			x, y := []byte(pair[0]), []byte(pair[1])
			b.ReportAllocs()
			for b.Loop() {
				collate.Compare(x, y)
			}
		})
	}
}

func BenchmarkAppendKey(b *testing.B) {
	for name, text := range map[string]string{
		"ascii": `"2026-11-22T17:00:00Z"`, "unicode": `"Zürich"`, "number": "123456", "array": `["a",1,true]`,
	} {
		b.Run(name, func(b *testing.B) {
			var dst []byte
			b.ReportAllocs()
			for b.Loop() {
				dst, _ = collate.AppendKey(dst[:0], []byte(text))
			}
		})
	}
}
