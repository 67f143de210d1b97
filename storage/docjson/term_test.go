package docjson_test

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"math"
	"math/big"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"settle/storage/docjson"
)

var errTerm = errors.New("malformed term")

// decodeTerm reads an external term as the value that encoding/json reads from
// the same text.
func decodeTerm(term []byte) (v any, rest []byte, err error) {
	if len(term) == 0 {
		return nil, nil, errTerm
	}
	tag, term := term[0], term[1:]
	need := map[byte]int{70: 8, 97: 1, 98: 4, 100: 2, 104: 1, 107: 2, 108: 4, 109: 4, 110: 2}[tag]
	if len(term) < need {
		return nil, nil, errTerm
	}
	head, term := term[:need], term[need:]
	switch tag {
	case 70:
		return math.Float64frombits(binary.BigEndian.Uint64(head)), term, nil
	case 97:
		return float64(head[0]), term, nil
	case 98:
		n := int32(binary.BigEndian.Uint32(head))
		if n >= 0 && n <= 255 {
			return nil, nil, errTerm
		}
		return float64(n), term, nil
	case 100:
		n := int(head[1])
		atom, ok := map[string]any{"true": true, "false": false, "null": nil}[string(term[:n])]
		if !ok {
			return nil, nil, errTerm
		}
		return atom, term[n:], nil
	case 104:
		return decodeObject(head[0], term)
	case 106:
		return []any{}, term, nil
	case 107:
		n := int(binary.BigEndian.Uint16(head))
		if n == 0 || n > len(term) {
			return nil, nil, errTerm
		}
		list := make([]any, n)
		for i := range n {
			list[i] = float64(term[i])
		}
		return list, term[n:], nil
	case 108:
		return decodeList(int(binary.BigEndian.Uint32(head)), term, decodeTerm)
	case 109:
		n := int(binary.BigEndian.Uint32(head))
		if n > len(term) {
			return nil, nil, errTerm
		}
		return string(term[:n]), term[n:], nil
	case 110:
		return decodeBig(int(head[0]), head[1], term)
	}
	return nil, nil, errTerm
}

func decodeBig(n int, sign byte, term []byte) (any, []byte, error) {
	if n == 0 || n > len(term) || sign > 1 || term[n-1] == 0 {
		return nil, nil, errTerm
	}
	raw := slices.Clone(term[:n])
	slices.Reverse(raw)
	i := new(big.Int).SetBytes(raw)
	if sign == 1 {
		i.Neg(i)
	}
	if i.IsInt64() && i.Int64() >= math.MinInt32 && i.Int64() <= math.MaxInt32 {
		return nil, nil, errTerm
	}
	f, _ := i.Float64()
	return f, term[n:], nil
}

// decodeList reads the n elements of a list and its tail.
func decodeList(n int, term []byte, element func([]byte) (any, []byte, error)) (any, []byte, error) {
	list := make([]any, 0, 8)
	allBytes := n <= 65535
	for range n {
		allBytes = allBytes && len(term) > 0 && term[0] == 97
		v, rest, err := element(term)
		if err != nil {
			return nil, nil, err
		}
		list, term = append(list, v), rest
	}
	if n == 0 || allBytes || len(term) == 0 || term[0] != 106 {
		return nil, nil, errTerm // Erlang writes such a list otherwise
	}
	return list, term[1:], nil
}

func decodeObject(arity byte, term []byte) (any, []byte, error) {
	object := map[string]any{}
	if arity != 1 || len(term) == 0 {
		return nil, nil, errTerm
	}
	if term[0] == 106 {
		return object, term[1:], nil
	}
	if term[0] != 108 || len(term) < 5 {
		return nil, nil, errTerm
	}
	_, rest, err := decodeList(int(binary.BigEndian.Uint32(term[1:])), term[5:], func(term []byte) (any, []byte, error) {
		if len(term) < 2 || term[0] != 104 || term[1] != 2 {
			return nil, nil, errTerm
		}
		name, term, err := decodeTerm(term[2:])
		if err != nil {
			return nil, nil, err
		}
		s, ok := name.(string)
		if _, twice := object[s]; !ok || twice {
			return nil, nil, errTerm
		}
		v, term, err := decodeTerm(term)
		object[s] = v
		return nil, term, err
	})
	return object, rest, err
}

// checkTerm checks that term says what text says.
func checkTerm(t *testing.T, text, term []byte) {
	t.Helper()
	got, rest, err := decodeTerm(term)
	if err != nil || len(rest) > 0 {
		t.Fatalf("term of %s: %v, %d bytes behind it", text, err, len(rest))
	}
	var want any
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatalf("text %q: %v", text, err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("term of %s (-text +term):\n%s", text, diff)
	}
}

func TestTerm(t *testing.T) {
	for _, text := range []string{
		`0`, `255`, `256`, `-1`, `2147483647`, `2147483648`, `-2147483648`, `-2147483649`,
		`9007199254740992`, `1.0`, `-0.5`, `1e+300`, `true`, `false`, `null`, `""`, `"\u0000é"`,
		`[]`, `[1,2,3]`, `[1,256]`, `[1,"x"]`, `[[1],[]]`, `{}`, `{"a":{"b":[{}]}}`,
	} {
		term, err := docjson.Term([]byte(text))
		if err != nil {
			t.Fatalf("Term(%s): %v", text, err)
		}
		checkTerm(t, []byte(text), term)
	}
	for _, text := range []string{``, `{`, `1 2`, `nul`} {
		if _, err := docjson.Term([]byte(text)); err == nil {
			t.Errorf("Term(%q): no error", text)
		}
	}
}

// Erlang writes lists of up to 65535 bytes as a STRING_EXT.
func TestTermOfLongLists(t *testing.T) {
	for n, want := range map[int]byte{1: 107, 65535: 107, 65536: 108} {
		list := make([]int, n)
		text, _ := json.Marshal(list)
		term, err := docjson.Term(text)
		if err != nil {
			t.Fatal(err)
		}
		if term[0] != want {
			t.Errorf("list of %d bytes: tag %d, want %d", n, term[0], want)
		}
		checkTerm(t, text, term)
	}
}
