package mango_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"settle/storage/collate"
	"settle/storage/mango"
)

// member and object are JSON objects in their order.
type member struct {
	name  string
	value any
}

type object []member

func (o object) MarshalJSON() ([]byte, error) {
	parts := make([]string, len(o))
	for i, m := range o {
		parts[i] = text(m.name) + ":" + text(m.value)
	}
	return []byte("{" + strings.Join(parts, ",") + "}"), nil
}

// text is a value's JSON; a json.Number keeps its spelling.
func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// failure is what the naive matcher panics with where CouchDB fails.
type failure struct{}

// naive judges selectors as they are written, with nothing normalised: it takes
// the path and the negation along. Below $elemMatch and its like there is no
// pushing down, which plain says.
type naive struct{ raw, plain bool }

func (n naive) holds(cond any, value any, path []string, negated bool) bool {
	members, ok := cond.(object)
	if !ok || len(members) == 0 {
		return n.leaf("$eq", cond, value, path, negated)
	}
	if len(members) > 1 {
		var list []any
		for _, m := range members {
			list = append(list, object{m})
		}
		return n.list(list, value, path, negated, !negated)
	}
	name, arg := members[0].name, members[0].value
	switch name {
	case "$and":
		return n.list(arg.([]any), value, path, negated, !negated)
	case "$or":
		return n.list(arg.([]any), value, path, negated, negated)
	case "$nor":
		if n.plain {
			panic(failure{})
		}
		return n.list(arg.([]any), value, path, !negated, !negated)
	case "$not":
		if n.plain {
			return !n.holds(arg, value, path, false)
		}
		return n.holds(arg, value, path, !negated)
	}
	if strings.HasPrefix(name, "$") {
		return n.leaf(name, arg, value, path, negated)
	}
	return n.holds(arg, value, append(path[:len(path):len(path)], strings.Split(name, ".")...), negated)
}

// list asks for all, or any, of the conditions.
func (n naive) list(conds []any, value any, path []string, negated, all bool) bool {
	for _, cond := range conds {
		if n.holds(cond, value, path, negated) != all {
			return !all
		}
	}
	return all || len(conds) == 0
}

func (n naive) leaf(op string, arg, value any, path []string, negated bool) bool {
	for _, name := range path {
		switch v := value.(type) {
		case object:
			found := false
			for _, m := range v {
				if m.name == name && !found {
					value, found = m.value, true
				}
			}
			if !found {
				return op == "$exists" && arg == negated
			}
		case []any:
			i, err := strconv.Atoi(name)
			if err != nil || i < 0 || i >= len(v) {
				return false
			}
			value = v[i]
		default:
			return false
		}
	}
	n.raw = n.raw || strings.Join(path, ".") == "_id"
	if op == "$exists" {
		return arg == !negated
	}
	return n.operator(op, arg, value) != negated
}

func (n naive) compare(a, b any) int {
	if n.raw {
		return collate.CompareRaw([]byte(text(a)), []byte(text(b)))
	}
	return collate.Compare([]byte(text(a)), []byte(text(b)))
}

func (n naive) operator(op string, arg, value any) bool {
	list, isList := value.([]any)
	switch op {
	case "$lt":
		return n.compare(value, arg) < 0
	case "$lte":
		return n.compare(value, arg) <= 0
	case "$eq":
		return n.compare(value, arg) == 0
	case "$ne":
		return n.compare(value, arg) != 0
	case "$gte":
		return n.compare(value, arg) >= 0
	case "$gt":
		return n.compare(value, arg) > 0
	case "$in", "$nin":
		if !isList {
			list = []any{value}
		}
		found := false
		for _, v := range list {
			for _, a := range arg.([]any) {
				found = found || n.compare(v, a) == 0
			}
		}
		return found == (op == "$in")
	case "$type":
		return typeOf(value) == arg
	case "$size":
		return isList && text(len(list)) == text(arg)
	case "$mod":
		i, err := strconv.ParseInt(text(value), 10, 64)
		d, _ := arg.([]any)[0].(json.Number).Int64()
		r, _ := arg.([]any)[1].(json.Number).Int64()
		return err == nil && i%d == r
	case "$beginsWith":
		s, ok := value.(string)
		return ok && strings.HasPrefix(s, arg.(string))
	case "$all":
		return isList && hasAll(arg.([]any), list)
	}
	return n.nested(op, arg, value)
}

func hasAll(args, list []any) bool {
	for _, a := range args {
		found := false
		for _, v := range list {
			found = found || text(v) == text(a)
		}
		if !found {
			inner, ok := a.([]any)
			return ok && len(args) == 1 && collate.CompareRaw([]byte(text(inner)), []byte(text(list))) == 0
		}
	}
	return len(args) > 0
}

// nested judges by $elemMatch, $allMatch and $keyMapMatch.
func (n naive) nested(op string, arg, value any) (holds bool) {
	defer func() {
		switch cause := recover().(type) {
		case nil:
		case failure:
			holds = false
		default:
			panic(cause)
		}
	}()
	n.plain = true
	list, _ := value.([]any)
	if members, ok := value.(object); ok && op == "$keyMapMatch" {
		for _, m := range members {
			list = append(list, m.name)
		}
	} else if op == "$keyMapMatch" {
		return false
	}
	for _, v := range list {
		if n.holds(arg, v, nil, false) == (op != "$allMatch") {
			return op != "$allMatch"
		}
	}
	return op == "$allMatch" && len(list) > 0
}

func typeOf(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case string:
		return "string"
	case []any:
		return "array"
	case object:
		return "object"
	}
	return "number"
}

var (
	names   = []string{"a", "b", "c", "_id", "0", "1"}
	scalars = []any{
		nil, true, false, json.Number("0"), json.Number("1"), json.Number("1.0"), json.Number("-3"), json.Number("2.5"),
		json.Number("9007199254740993"), json.Number("9007199254740992.0"), "", "a", "A", "b", "ab", "é", "e\u0301", "a\"\n",
	}
	operatorNames = []string{
		"$lt", "$lte", "$eq", "$ne", "$gte", "$gt", "$in", "$nin", "$exists", "$type", "$size", "$mod", "$beginsWith", "$all",
		"$elemMatch", "$allMatch", "$keyMapMatch", "$and", "$or", "$nor", "$not",
	}
)

func pick[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }

func randomList(r *rand.Rand, n int, each func() any) []any {
	list := make([]any, r.IntN(n))
	for i := range list {
		list[i] = each()
	}
	return list
}

func randomValue(r *rand.Rand, depth int) any {
	switch {
	case depth > 0 && r.IntN(3) == 0:
		return randomList(r, 4, func() any { return randomValue(r, depth-1) })
	case depth > 0 && r.IntN(2) == 0:
		return randomObject(r, depth-1)
	}
	return pick(r, scalars)
}

func randomObject(r *rand.Rand, depth int) object {
	o := object{}
	for _, name := range names {
		if r.IntN(3) > 0 {
			o = append(o, member{name, randomValue(r, depth)})
		}
	}
	return o
}

// randomCondition makes what stands for a condition below a field.
func randomCondition(r *rand.Rand, depth int) any {
	switch n := r.IntN(8); {
	case depth == 0 || n == 0:
		return pick(r, scalars)
	case n < 3:
		return randomSelector(r, depth-1)
	}
	cond := object{}
	for range 1 + r.IntN(8)/7 {
		op := pick(r, operatorNames)
		cond = append(cond, member{op, randomArgument(r, op, depth-1)})
	}
	return cond
}

func randomSelector(r *rand.Rand, depth int) any {
	name := pick(r, names)
	if r.IntN(4) == 0 {
		name += "." + pick(r, names)
	}
	return object{{name, randomCondition(r, depth)}}
}

func randomArgument(r *rand.Rand, op string, depth int) any {
	depth = max(depth, 0)
	switch op {
	case "$in", "$nin", "$all":
		return randomList(r, 12, func() any { return randomValue(r, 1) })
	case "$exists":
		return r.IntN(2) == 0
	case "$type":
		return pick(r, []string{"null", "boolean", "number", "string", "array", "object", "x"})
	case "$size":
		return json.Number(strconv.Itoa(r.IntN(3)))
	case "$mod":
		return []any{json.Number(pick(r, []string{"1", "2", "-2"})), json.Number(pick(r, []string{"0", "1", "-1"}))}
	case "$beginsWith":
		return pick(r, []string{"", "a", "e", "é"})
	case "$and", "$or", "$nor":
		return randomList(r, 3, func() any { return randomCondition(r, depth) })
	case "$not", "$elemMatch", "$allMatch", "$keyMapMatch":
		if cond, ok := randomCondition(r, depth).(object); ok {
			return cond
		}
		return object{{"a", pick(r, scalars)}}
	}
	return randomValue(r, 2)
}

func TestAgainstNaiveMatcher(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 1))
	matched, parsed := 0, 0
	for range 15_000 {
		selector := randomSelector(r, 4)
		if r.IntN(4) == 0 {
			selector = object{{pick(r, []string{"$and", "$or", "$nor"}), randomList(r, 3, func() any { return randomSelector(r, 3) })}}
		}
		s, err := mango.Parse([]byte(text(selector)))
		if err != nil {
			t.Fatalf("seed %d: %s: %v", seed, text(selector), err)
		}
		parsed++
		for range 4 {
			doc := randomObject(r, 3)
			want := naive{}.holds(selector, doc, nil, false)
			if got := s.Match([]byte(text(doc))); got != want {
				t.Fatalf("seed %d: %s on %s: %v, want %v", seed, text(selector), text(doc), got, want)
			}
			if want {
				matched++
			}
		}
	}
	if share := matched * 100 / (4 * parsed); share < 10 || share > 90 {
		t.Errorf("%d %% match: the random documents tell little", share)
	}
}

func FuzzSelector(f *testing.F) {
	for id, doc := range people {
		f.Add(`{"_id":"`+id+`","n":{"$gt":1,"$not":{"$in":[1,"x",null]}}}`, doc)
	}
	for _, selector := range []string{
		`{"a":{"$regex":"^(a|é)+$"}}`, `{"a":{"$elemMatch":{"$nor":[{"b.c":1}]}}}`, `{"$text":"x","l":{"$allMatch":{"$mod":[2,1]}}}`,
		`{"o":{"$keyMapMatch":{"$beginsWith":"x"}}}`, `{"x\\.y":{"$size":1,"$type":"array","$all":[[1]]}}`, `["a","b.c"]`,
	} {
		f.Add(selector, `{"a":[{"b":{"c":1}}],"l":[1,3],"o":{"xy":"é"}}`)
	}
	f.Fuzz(func(t *testing.T, selector, doc string) {
		fields, err := mango.ParseFields([]byte(selector))
		if err == nil && json.Valid([]byte(doc)) {
			if shown := fields.Append(nil, []byte(doc)); !json.Valid(shown) {
				t.Fatalf("fields %q of %q: %q", selector, doc, shown)
			}
		}
		s, err := mango.Parse([]byte(selector))
		if err != nil {
			if describe(err) == " " || strings.HasPrefix(describe(err), " ") {
				t.Fatalf("%q: an error without a kind: %v", selector, err)
			}
			return
		}
		matches := s.Match([]byte(doc))
		if again := s.Match([]byte(doc)); again != matches {
			t.Fatalf("%q on %q: %v, then %v", selector, doc, matches, again)
		}
		if negated, err := mango.Parse([]byte(fmt.Sprintf(`{"$not":{"$not":%s}}`, selector))); err == nil && negated.Match([]byte(doc)) != matches {
			t.Fatalf("%q on %q: %v, and twice negated otherwise", selector, doc, matches)
		}
	})
}
