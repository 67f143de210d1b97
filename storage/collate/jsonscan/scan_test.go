package jsonscan_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"settle/storage/collate/jsonscan"
)

func TestValue(t *testing.T) {
	for text, want := range map[string]string{
		"null":                         "null",
		" true , 1":                    "true",
		"-1.5e+3]":                     "-1.5e+3",
		`"a\"b\\" "c"`:                 `"a\"b\\"`,
		`[1,[2,"]"],{"}":"["}] tail`:   `[1,[2,"]"],{"}":"["}]`,
		"\n{\"a\" : [ ] }\t}":          `{"a" : [ ] }`,
		"":                             "",
		"nul":                          "",
		`"a\"`:                         "",
		`[1,"]`:                        "",
		"]":                            "",
		`{"a":{"b":"\u005c\u0022\""}}`: `{"a":{"b":"\u005c\u0022\""}}`,
	} {
		if got := string(jsonscan.Value([]byte(text))); got != want {
			t.Errorf("Value(%s) = %s, want %s", text, got, want)
		}
	}
}

func TestMembersAndElements(t *testing.T) {
	var got []string
	for name, value := range jsonscan.Members([]byte(` { "a" : 1 , "b\u0063":[ {} ],"":"x" } rest`)) {
		got = append(got, string(name), string(jsonscan.Value(value)))
	}
	if diff := cmp.Diff([]string{"a", "1", `b\u0063`, "[ {} ]", "", `"x"`}, got); diff != "" {
		t.Error(diff)
	}
	got = nil
	for value := range jsonscan.Elements([]byte(`[1, [2,3],{"a":4} ] rest`)) {
		got = append(got, string(jsonscan.Value(value)))
	}
	if diff := cmp.Diff([]string{"1", "[2,3]", `{"a":4}`}, got); diff != "" {
		t.Error(diff)
	}
	for _, text := range []string{"", "1", `"a"`, "[]", "{}", "[", "{", "{1}", `{"a"}`, `{"a"`, `[,]`, `{"a":}`} {
		for range jsonscan.Members([]byte(text)) {
			t.Errorf("%s has a member", text)
		}
		for range jsonscan.Elements([]byte(text)) {
			t.Errorf("%s has an element", text)
		}
	}
}

func TestMember(t *testing.T) {
	doc := []byte(`{"_id":"x","a":{"_id":2,"b":3},"quote\"d":4,"\u00e9":5}`)
	for name, want := range map[string]string{"_id": `"x"`, "a": `{"_id":2,"b":3}`, "b": "", `quote"d`: "4", "é": "5", "": ""} {
		if got := string(jsonscan.Value(jsonscan.Member(doc, name))); got != want {
			t.Errorf("member %q = %s, want %s", name, got, want)
		}
	}
}

func FuzzScan(f *testing.F) {
	for _, text := range []string{"null", `{"a":[1,"\ud83d\ude00\n",{"b":null}],"c":-1e5}`, `[[[["\\"]]]]`, `"\ud800"`, "[}"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		value := jsonscan.Value(text)
		for name, v := range jsonscan.Members(text) {
			jsonscan.Unescape(nil, name)
			jsonscan.Value(v)
		}
		for v := range jsonscan.Elements(text) {
			jsonscan.Value(v)
		}
		if !json.Valid(text) {
			return
		}
		if trimmed := bytes.TrimSpace(text); !bytes.Equal(value, trimmed) {
			t.Fatalf("Value = %q, want %q", value, trimmed)
		}
		switch jsonscan.KindOf(text) {
		case jsonscan.Array:
			compareElements(t, text)
		case jsonscan.Object:
			compareMembers(t, text)
		case jsonscan.String:
			compareString(t, text)
		}
	})
}

func compareElements(t *testing.T, text []byte) {
	var want []json.RawMessage
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	i := 0
	for v := range jsonscan.Elements(text) {
		if got := jsonscan.Value(v); i >= len(want) || !bytes.Equal(got, bytes.TrimSpace(want[i])) {
			t.Fatalf("element %d of %q: %q", i, text, got)
		}
		i++
	}
	if i != len(want) {
		t.Fatalf("%d elements of %q", i, text)
	}
}

func compareMembers(t *testing.T, text []byte) {
	var want map[string]json.RawMessage
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	got := map[string]json.RawMessage{}
	for raw, v := range jsonscan.Members(text) {
		name, ok := jsonscan.Unescape(nil, raw)
		if !ok {
			return // encoding/json repairs what is not Unicode
		}
		got[string(name)] = jsonscan.Value(v)
	}
	for name, value := range want {
		if !bytes.Equal(got[name], bytes.TrimSpace(value)) {
			t.Fatalf("member %q of %q: %q", name, text, got[name])
		}
	}
	if len(got) != len(want) {
		t.Fatalf("%d members of %q", len(got), text)
	}
}

func compareString(t *testing.T, text []byte) {
	s := jsonscan.New(text)
	raw, ok := s.String()
	if !ok {
		t.Fatalf("%q is a string", text)
	}
	var want string
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	if got, ok := jsonscan.Unescape(nil, raw); ok && string(got) != want {
		t.Fatalf("%q is %q, want %q", text, got, want)
	}
}
