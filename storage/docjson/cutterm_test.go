package docjson_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"settle/storage/docjson"
)

func TestCutTerm(t *testing.T) {
	values := []string{
		`1`, `-1`, `300`, `123456789012345678901234567890`, `1.5`, `"text"`, `""`, `true`, `null`, `[]`, `[1,2,3]`, `[1,"a"]`, `[300,1]`, `{}`,
		`{"a":{"b":[{"c":1}]}}`, `"` + strings.Repeat("x", 300) + `"`, `[` + strings.TrimSuffix(strings.Repeat("7,", 70000), ",") + `]`,
	}
	body := func(skip int) []byte {
		var members []string
		for i, value := range values {
			if i != skip {
				members = append(members, fmt.Sprintf(`"m%d":%s`, i, value))
			}
		}
		return []byte("{" + strings.Join(members, ",") + "}")
	}
	whole := term(t, body(-1))
	for i := range values {
		got, err := docjson.CutTerm(whole, i)
		if err != nil || !bytes.Equal(got, term(t, body(i))) {
			t.Errorf("without %.20s: %v, or another term", values[i], err)
		}
	}
	if got, err := docjson.CutTerm(term(t, []byte(`{"a":1}`)), 0); err != nil || !bytes.Equal(got, term(t, []byte(`{}`))) {
		t.Errorf("the last member: %v %x", err, got)
	}
	if _, err := docjson.CutTerm(whole, len(values)); err == nil {
		t.Error("a member that is not there was cut")
	}
}

func term(t testing.TB, text []byte) []byte {
	t.Helper()
	b, err := docjson.Term(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// FuzzCutTerm cuts anything at all, and wants of a real body what is made of it
// without the member.
func FuzzCutTerm(f *testing.F) {
	f.Add([]byte(`{"a":1,"b":[1,2],"c":{"d":"e"}}`), 1)
	f.Add([]byte{104, 1, 108, 0, 0, 0, 2, 109, 255, 255, 255, 255}, 0)
	f.Fuzz(func(t *testing.T, data []byte, i int) {
		if i < 0 {
			return
		}
		_, _ = docjson.CutTerm(data, i)
		if !json.Valid(data) {
			return
		}
		whole, err := docjson.Term(data)
		if err != nil {
			return
		}
		_, _ = docjson.CutTerm(whole, i)
	})
}
