package recordings

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"
)

var errTrailing = errors.New("data after the JSON value")

// decodeJSON reads exactly one JSON value; numbers stay as they are written.
// Text that is not UTF-8 is an error, where encoding/json would mend it.
func decodeJSON(data []byte) (any, error) {
	if !utf8.Valid(data) {
		return nil, errors.New("invalid UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, errTrailing
	}
	return v, nil
}

// unmarshalStrict reads one JSON value into v and refuses members v does not have.
func unmarshalStrict(data []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return err
	}
	if _, err := dec.Token(); err != io.EOF {
		return errTrailing
	}
	return nil
}

// kind names a decoded value's JSON type.
func kind(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case json.Number, float64, int:
		return "number"
	case string:
		return "string"
	case []any:
		return "array"
	case map[string]any:
		return "object"
	default:
		return fmt.Sprintf("%T", v)
	}
}

// equalJSON compares two decoded values; numbers by value, so that 1 is 1.0.
func equalJSON(a, b any) bool {
	switch x := a.(type) {
	case json.Number:
		y, ok := b.(json.Number)
		return ok && equalNumbers(x, y)
	case []any:
		y, ok := b.([]any)
		if !ok || len(x) != len(y) {
			return false
		}
		for i := range x {
			if !equalJSON(x[i], y[i]) {
				return false
			}
		}
		return true
	case map[string]any:
		y, ok := b.(map[string]any)
		if !ok || len(x) != len(y) {
			return false
		}
		for k := range x {
			if other, has := y[k]; !has || !equalJSON(x[k], other) {
				return false
			}
		}
		return true
	default:
		return reflect.DeepEqual(a, b)
	}
}

// equalNumbers compares as a JSON reader would that keeps integers exact and
// reads everything else as a 64-bit float.
func equalNumbers(a, b json.Number) bool {
	if a == b {
		return true
	}
	x, okx := exact(a)
	y, oky := exact(b)
	return okx && oky && x.Cmp(y) == 0
}

// exact is a number's value; not ok where a float overflows.
func exact(n json.Number) (*big.Rat, bool) {
	if !strings.ContainsAny(string(n), ".eE") {
		return new(big.Rat).SetString(string(n))
	}
	f, err := strconv.ParseFloat(string(n), 64)
	if err != nil {
		return nil, false
	}
	return new(big.Rat).SetFloat64(f), true
}

// dig finds a place such as "results/0/id" in a decoded value; "" is the value itself.
func dig(v any, place string) (any, bool) {
	for key := range strings.SplitSeq(place, "/") {
		if key == "" {
			continue
		}
		switch x := v.(type) {
		case map[string]any:
			next, ok := x[key]
			if !ok {
				return nil, false
			}
			v = next
		case []any:
			i, err := strconv.Atoi(key)
			if err != nil || i < 0 || i >= len(x) {
				return nil, false
			}
			v = x[i]
		default:
			return nil, false
		}
	}
	return v, true
}

// textOf is a value as it stands in a URL or a header: strings bare, all else as JSON.
func textOf(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return fmt.Sprint(v)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// short is a value's text, cut to fit a line of a report.
func short(v any) string {
	s := textOf(v)
	if len(s) < 240 {
		return s
	}
	return strings.ToValidUTF8(s[:237], "") + "..."
}
