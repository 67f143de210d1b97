package collate_test

import (
	"bytes"
	"encoding/json"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	xcollate "golang.org/x/text/collate"
	"golang.org/x/text/language"

	"settle/storage/collate"
)

// member is an object's, for objects keep their order.
type member struct {
	name  string
	value any
}

var letters = []string{"a", "A", "b", "z", "0", "9", "-", " ", "_", "é", "e\u0301", "\u0323", "ß", "ae", "æ", "\x00", "\n", "\"", "\\", "日", "🗿", "\uffff", "\ufff0", "l·l"}

var numbers = []string{
	"0", "-0", "0.0", "1", "1.0", "-1", "1.5", "2", "10", "1e+21", "1000000000000000000000", "9007199254740992", "9007199254740993", "9007199254740992.0",
	"9007199254740994", "-9007199254740993", "123456789012345678", "123456789012345679", "1234567890123456789012345678901234567890", "1e-7", "0.000001",
}

// randomValue makes nil, bool, json.Number, string, []any or []member.
func randomValue(r *rand.Rand, depth int) any {
	n := 7
	if depth == 0 {
		n = 5
	}
	switch r.IntN(n) {
	case 0:
		return nil
	case 1:
		return r.IntN(2) == 0
	case 2:
		return json.Number(numbers[r.IntN(len(numbers))])
	case 3, 4:
		return randomString(r)
	case 5:
		list := make([]any, r.IntN(4))
		for i := range list {
			list[i] = randomValue(r, depth-1)
		}
		return list
	}
	object := make([]member, r.IntN(3))
	for i := range object {
		object[i] = member{randomString(r), randomValue(r, depth-1)}
	}
	return object
}

func randomString(r *rand.Rand) string {
	var s strings.Builder
	for range r.IntN(4) {
		s.WriteString(letters[r.IntN(len(letters))])
	}
	return s.String()
}

func print(v any) string {
	switch v := v.(type) {
	case []any:
		parts := make([]string, len(v))
		for i := range v {
			parts[i] = print(v[i])
		}
		return "[" + strings.Join(parts, ",") + "]"
	case []member:
		parts := make([]string, len(v))
		for i, m := range v {
			parts[i] = print(m.name) + ":" + print(m.value)
		}
		return "{" + strings.Join(parts, ",") + "}"
	}
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(text)
}

func rank(v any) int {
	switch v := v.(type) {
	case nil:
		return 0
	case bool:
		if v {
			return 2
		}
		return 1
	case json.Number:
		return 3
	case string:
		return 4
	case []any:
		return 5
	}
	return 6
}

var naiveCollator = xcollate.New(language.Und)

// naive compares values, not texts.
func naive(a, b any) int {
	if d := rank(a) - rank(b); d != 0 {
		return d
	}
	switch a := a.(type) {
	case json.Number:
		x, _ := new(big.Rat).SetString(string(a))
		y, _ := new(big.Rat).SetString(string(b.(json.Number)))
		return x.Cmp(y)
	case string:
		return naiveCollator.CompareString(a, b.(string))
	case []any:
		return slices.CompareFunc(a, b.([]any), naive)
	case []member:
		return slices.CompareFunc(a, b.([]member), func(x, y member) int {
			if c := naiveCollator.CompareString(x.name, y.name); c != 0 {
				return c
			}
			return naive(x.value, y.value)
		})
	}
	return 0
}

func TestAgainstNaiveOrder(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 1))
	for range 20_000 {
		x := randomValue(r, 3)
		y := randomValue(r, 3)
		a, b := print(x), print(y)
		want := cmpInt(naive(x, y), 0)
		if got := collate.Compare([]byte(a), []byte(b)); got != want {
			t.Fatalf("seed %d: Compare(%s, %s) = %d, want %d", seed, a, b, got, want)
		}
		if got := bytes.Compare(key(t, a), key(t, b)); got != want {
			t.Fatalf("seed %d: keys of %s and %s compare %d, want %d", seed, a, b, got, want)
		}
	}
}

func FuzzKey(f *testing.F) {
	for _, ladder := range ladders {
		for i := range ladder[1:] {
			f.Add(ladder[i], ladder[i+1])
		}
	}
	f.Add(`{"a":[1,`, `"\ud800"`)
	f.Fuzz(func(t *testing.T, a, b string) {
		compared := collate.Compare([]byte(a), []byte(b))
		raw := collate.CompareRaw([]byte(a), []byte(b))
		x, err := collate.AppendKey(nil, []byte(a))
		if err != nil {
			return
		}
		if !json.Valid([]byte(a)) {
			t.Fatalf("%q has a key and is no JSON", a)
		}
		y, err := collate.AppendKey(nil, []byte(b))
		if err != nil {
			return
		}
		if got := bytes.Compare(x, y); got != compared {
			t.Fatalf("%q and %q: keys %d, Compare %d", a, b, got, compared)
		}
		if collate.Compare([]byte(b), []byte(a)) != -compared || collate.CompareRaw([]byte(b), []byte(a)) != -raw {
			t.Fatalf("%q and %q: not antisymmetric", a, b)
		}
		if bytes.HasPrefix(y, x) && compared != 0 {
			t.Fatalf("the key of %q begins that of %q", a, b)
		}
	})
}
