package mango_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"settle/storage/couch"
	"settle/storage/mango"
)

func parse(t testing.TB, text string) *mango.Selector {
	t.Helper()
	s, err := mango.Parse([]byte(text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return s
}

// people are documents to choose from.
var people = map[string]string{
	"a": `{"_id":"a","_rev":"1-1","n":1,"s":"abc","o":{"x":1,"y":{"z":[1,2]}},"l":[1,"two",null],"t":true}`,
	"b": `{"_id":"b","_rev":"2-1","n":1.0,"s":"Été","o":null,"l":[],"t":false,"_deleted":true}`,
	"c": `{"_id":"c","_rev":"1-2","n":-7,"s":"","o":{},"l":[{"k":1},{"k":2,"v":{"w":"q"}}],"_attachments":{"f.txt":{"length":3,"stub":true}}}`,
	"d": `{"_id":"d","_rev":"1-3","n":"1","s":5,"o":{"x":null},"l":[[1,"two"]],"a.b":1,"a":{"b":2,"c.d":3},"":4}`,
	"e": `{"_id":"e","_rev":"1-4","n":12345678901234567890,"s":"line\nend\n","o":[{"x":1}],"l":"two","e":"a\\b"}`,
}

func chosen(s *mango.Selector) string {
	var ids []string
	for id, doc := range people {
		if s.Match([]byte(doc)) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return strings.Join(ids, "")
}

func TestMatch(t *testing.T) {
	for selector, want := range map[string]string{
		`{}`: "abcde",

		// comparisons are of collation
		`{"n":1}`:                    "ab",
		`{"n":1.0}`:                  "ab",
		`{"n":{"$ne":1}}`:            "cde",
		`{"n":{"$lt":1}}`:            "c",
		`{"n":{"$lte":1}}`:           "abc",
		`{"n":{"$gt":1}}`:            "de",
		`{"n":{"$gte":"1"}}`:         "d",
		`{"n":{"$gt":{}}}`:           "",
		`{"n":{"$gt":null}}`:         "abcde",
		`{"s":"E\u0301te\u0301"}`:    "b",
		`{"s":{"$gt":"abc"}}`:        "be",
		`{"o":null}`:                 "b",
		`{"o":{}}`:                   "c",
		`{"o":{"$eq":{"x":null}}}`:   "d",
		`{"l":[1,"two",null]}`:       "a",
		`{"l":{"$eq":[]}}`:           "b",
		`{"n":12345678901234567890}`: "e",
		`{"n":12345678901234567891}`: "",

		// special members
		`{"_id":"b"}`:                                 "b",
		`{"_id":{"$gt":"B"}}`:                         "abcde",
		`{"_id":{"$lt":"a"}}`:                         "",
		`{"_id":{"$gt":{}}}`:                          "abcde",
		`{"_id":{"$gt":[1]}}`:                         "abcde",
		`{"_rev":{"$beginsWith":"1-"}}`:               "acde",
		`{"_deleted":true}`:                           "b",
		`{"_deleted":{"$exists":false}}`:              "acde",
		`{"_attachments.f\\.txt.length":3}`:           "c",
		`{"_attachments":{"f\\.txt":{"stub":true}}}`:  "c",
		`{"_id":{"$in":["a","c","x",1,2,3,4,5,6,7]}}`: "ac",

		// fields
		`{"o.x":1}`:                         "a",
		`{"o":{"x":1}}`:                     "a",
		`{"o.y.z.1":2}`:                     "a",
		`{"o.0.x":1}`:                       "e",
		`{"o.y.z.2":{"$exists":false}}`:     "cd",
		`{"o.x":{"$exists":false}}`:         "c",
		`{"o.x":{"$exists":true}}`:          "ad",
		`{"$not":{"o.x":{"$exists":true}}}`: "c",
		`{"o.x.y":{"$exists":false}}`:       "c",
		`{"l.-1":null}`:                     "",
		`{"l.+1":"two"}`:                    "a",
		`{"l.0x0":1}`:                       "",
		`{"a.b":2}`:                         "d",
		`{"a\\.b":1}`:                       "d",
		`{"a.c\\.d":3}`:                     "d",
		`{"":{"n":1}}`:                      "ab",
		`{"\\":4}`:                          "d",
		`{"none":{"$exists":false}}`:        "abcde",
		`{"none":{"$ne":1}}`:                "",
		`{"none":{"$nin":[]}}`:              "",
		`{"none":null}`:                     "",

		// combinations
		`{"n":1,"t":true}`:                        "a",
		`{"$and":[{"n":1},{"t":true}]}`:           "a",
		`{"$or":[{"n":1},{"n":-7}]}`:              "abc",
		`{"$nor":[{"n":1},{"n":-7}]}`:             "de",
		`{"$not":{"n":1}}`:                        "cde",
		`{"$not":{"$nor":[{"n":1},{"n":-7}]}}`:    "abc",
		`{"$not":{"n":1,"t":true}}`:               "bcde",
		`{"$not":{"$or":[{"n":1},{"none":1}]}}`:   "",
		`{"$not":{"$not":{"n":1}}}`:               "ab",
		`{"n":{"$or":[{"$lt":0},{"$gt":1}]}}`:     "cde",
		`{"n":{"$gt":0,"$lt":2}}`:                 "ab",
		`{"o":{"$or":[{"x":1},{"x":null}]}}`:      "ad",
		`{"n":{"$not":{"$not":{"$mod":[4,-3]}}}}`: "c",
		`{"$and":[]}`:                             "abcde",
		`{"$or":[]}`:                              "abcde",
		`{"$nor":[]}`:                             "abcde",
		`{"$not":{"$and":[]}}`:                    "abcde",
		`{"n":{"$or":[]}}`:                        "abcde",
		`{"$and":[{}]}`:                           "",
		`{"$or":[1,{"n":1}]}`:                     "ab",
		`{"$text":"x"}`:                           "abcde",
		`{"$and":[{"$text":1},{"n":1}]}`:          "ab",
		`{"$default":{"$text":"x"}}`:              "abcde",

		// lists
		`{"n":{"$in":[]}}`:                        "",
		`{"n":{"$nin":[]}}`:                       "abcde",
		`{"n":{"$in":[1,"1"]}}`:                   "abd",
		`{"n":{"$nin":[1,"1"]}}`:                  "ce",
		`{"$not":{"n":{"$in":[1,"1"]}}}`:          "ce",
		`{"l":{"$in":["two",9]}}`:                 "ae",
		`{"l":{"$in":[9,8,7,6,5,4,3,2.5,"two"]}}`: "ae",
		`{"l":{"$nin":["two"]}}`:                  "bcd",
		`{"l":{"$in":[[]]}}`:                      "",
		`{"l":{"$in":[[1,"two"]]}}`:               "d",
		`{"l":{"$all":[]}}`:                       "",
		`{"l":{"$all":["two",1]}}`:                "a",
		`{"l":{"$all":[1.0]}}`:                    "",
		`{"l":{"$all":["two","two"]}}`:            "a",
		`{"l":{"$all":[[1,"two"]]}}`:              "d",
		`{"l":{"$all":[[1.0,"two",null]]}}`:       "a",
		`{"l":{"$all":[{"k":1}]}}`:                "c",
		`{"l":{"$all":[[]]}}`:                     "b",
		`{"l":{"$size":0}}`:                       "b",
		`{"l":{"$size":3}}`:                       "a",
		`{"l":{"$size":99999999999999999999}}`:    "",
		`{"s":{"$size":3}}`:                       "",

		// elements and keys
		`{"l":{"$elemMatch":{"k":2}}}`:                       "c",
		`{"l":{"$elemMatch":{"k":{"$gt":1},"v.w":"q"}}}`:     "c",
		`{"l":{"$elemMatch":{"$eq":"two"}}}`:                 "a",
		`{"l":{"$elemMatch":{"v":{"$exists":false}}}}`:       "c",
		`{"l":{"$elemMatch":{"$not":{"k":1}}}}`:              "acd",
		`{"l":{"$elemMatch":{"$nor":[{"k":7}]}}}`:            "",
		`{"l":{"$elemMatch":{"$or":[{"k":1},{"$nor":[]}]}}}`: "c",
		`{"l":{"$elemMatch":{"$or":[{"k":2},{"$nor":[]}]}}}`: "",
		`{"l":{"$not":{"$elemMatch":{"$nor":[{"k":7}]}}}}`:   "abcde",
		`{"l":{"$elemMatch":{}}}`:                            "",
		`{"l":{"$elemMatch":{"$elemMatch":{"$eq":1}}}}`:      "d",
		`{"l":{"$elemMatch":{"0":1}}}`:                       "d",
		`{"l":{"$allMatch":{"k":{"$gt":0}}}}`:                "c",
		`{"l":{"$allMatch":{"$type":"array"}}}`:              "d",
		`{"l":{"$allMatch":{"$not":{"$type":"object"}}}}`:    "ad",
		`{"l":{"$allMatch":{"$nor":[]}}}`:                    "",
		`{"l":{"$not":{"$allMatch":{"k":{"$gt":0}}}}}`:       "abde",
		`{"o":{"$keyMapMatch":{"$eq":"y"}}}`:                 "a",
		`{"o":{"$keyMapMatch":{"$in":["y","x"]}}}`:           "ad",
		`{"o":{"$keyMapMatch":{"$nor":[]}}}`:                 "",
		`{"a":{"$keyMapMatch":{"$regex":"^c\\."}}}`:          "d",
		`{"l":{"$keyMapMatch":{"$eq":"k"}}}`:                 "",

		// kinds, numbers and strings
		`{"n":{"$type":"number"}}`:                                    "abce",
		`{"t":{"$type":"boolean"}}`:                                   "ab",
		`{"o":{"$type":"null"}}`:                                      "b",
		`{"o":{"$type":"undefined"}}`:                                 "",
		`{"n":{"$mod":[2,1]}}`:                                        "a",
		`{"n":{"$mod":[4,-3]}}`:                                       "c",
		`{"n":{"$mod":[-1,0]}}`:                                       "ace",
		`{"n":{"$mod":[100000000000000000000,12345678901234567890]}}`: "e",
		`{"s":{"$beginsWith":"É"}}`:                                   "b",
		`{"s":{"$beginsWith":""}}`:                                    "abce",
		`{"e":{"$beginsWith":"a\\"}}`:                                 "e",
		`{"s":{"$regex":"^[a-c]+$"}}`:                                 "a",
		`{"s":{"$regex":"B"}}`:                                        "",
		`{"s":{"$regex":"(?i)B"}}`:                                    "a",
		`{"s":{"$regex":"^.t.$"}}`:                                    "",
		`{"s":{"$regex":"^..t..$"}}`:                                  "b",
		`{"s":{"$regex":"^É"}}`:                                       "b",
		`{"s":{"$regex":"end$"}}`:                                     "e",
		`{"s":{"$regex":"(end|x)$"}}`:                                 "e",
		`{"s":{"$regex":"line$"}}`:                                    "",
		`{"s":{"$regex":"(?m)line$"}}`:                                "e",
		`{"s":{"$regex":"end\\z"}}`:                                   "",
		`{"n":{"$regex":"1"}}`:                                        "d",
		`{"e":{"$regex":"^a\\\\b$"}}`:                                 "e",
		`{"s":{"$regex":"^$"}}`:                                       "c",
	} {
		if got := chosen(parse(t, selector)); got != want {
			t.Errorf("%s: %s, want %s", selector, got, want)
		}
	}
}

// A text with white space and other escapes says the same.
func TestOtherSpellings(t *testing.T) {
	s := parse(t, " {\n \"\\u006e\" : { \"$in\" : [ 1.0e0 , 5 ] } ,\t\"o\\u002ex\" : 1 }")
	for doc, want := range map[string]bool{
		`{"n":1,"o":{"x":1}}`: true,
		"{ \"\\u006e\" :\n10e-1 , \"o\" : { \"x\" : 1.0 } } ": true,
		`{"n":2,"o":{"x":1}}`: false,
		``:                    false,
		`[`:                   false,
		`{"n":`:               false,
		`{"n":1,"o":`:         false,
	} {
		if got := s.Match([]byte(doc)); got != want {
			t.Errorf("%s: %v", doc, got)
		}
	}
}

func TestParseKeepsNothing(t *testing.T) {
	text := []byte(`{"n":{"$in":[1,2]},"s":"abc"}`)
	s, err := mango.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	clear(text)
	if got := chosen(s); got != "a" {
		t.Errorf("%q", got)
	}
}

func TestRefused(t *testing.T) {
	deep := strings.Repeat(`{"a":`, 600) + "1" + strings.Repeat("}", 600)
	for selector, want := range map[string]string{
		``:                                "bad_request invalid UTF-8 JSON",
		`{`:                               "bad_request invalid UTF-8 JSON",
		`{} x`:                            "bad_request invalid UTF-8 JSON",
		`{"\ud800":1}`:                    "bad_request invalid UTF-8 JSON",
		deep:                              "bad_request The selector is nested too deeply.",
		`[{"a":"é"},1.5,[]]`:              "invalid_selector_json Selector must be a JSON object, not: [{[{<<97>>,<<195,169>>}]},1.5,[]]",
		`{"$not":{}}`:                     "invalid_selector One or more conditions is missing a field name.",
		`{"":{"$gt":1}}`:                  "invalid_selector One or more conditions is missing a field name.",
		`{"$gt":1}`:                       "invalid_selector One or more conditions is missing a field name.",
		`{"$elemMatch":{"a":1}}`:          "invalid_selector One or more conditions is missing a field name.",
		`{"a":{"$GT":1}}`:                 "invalid_operator Invalid operator: $GT",
		`{"$":1}`:                         "invalid_operator Invalid operator: $",
		`{"a":{"$elemMatch":{"$x":1}}}`:   "invalid_operator Invalid operator: $x",
		`{"a":{"$near":1}}`:               "not_supported Unsupported operator: $near",
		`{"$where":"x"}`:                  "not_supported Unsupported operator: $where",
		`{"a":{"$text":"x"}}`:             "bad_field Invalid field normalization on selector: {[{<<36,100,101,102,97,117,108,116>>,{[{<<36,116,101,120,116>>,<<120>>}]}}]}",
		`{"$default":1}`:                  "bad_field Invalid field normalization on selector: {[{<<36,100,101,102,97,117,108,116>>,1}]}",
		`{"$text":null}`:                  "bad_arg Bad argument for operator $text: null",
		`{"$not":{"$text":true}}`:         "bad_arg Bad argument for operator $not: {[{<<36,100,101,102,97,117,108,116>>,{[{<<36,116,101,120,116>>,true}]}}]}",
		`{"a":{"$keyMapMatch":"x"}}`:      "bad_arg Bad argument for operator $keyMapMatch: <<120>>",
		`{"a":{"$mod":[0,1]}}`:            "bad_arg Bad argument for operator $mod: [0,1]",
		`{"a":{"$mod":[1,2,3]}}`:          "bad_arg Bad argument for operator $mod: [1,2,3]",
		`{"a":{"$size":1.0}}`:             "bad_arg Bad argument for operator $size: 1.0",
		`{"a":{"$regex":"a(?=b)"}}`:       "bad_arg Unsupported regular expression for operator $regex: <<97,40,63,61,98,41>>",
		`{"a":{"$regex":"(a)\\1"}}`:       "bad_arg Unsupported regular expression for operator $regex: <<40,97,41,92,49>>",
		`{"a":{"$regex":"["}}`:            "bad_arg Bad argument for operator $regex: <<91>>",
		`{"a.":1}`:                        "invalid_field_name Invalid field name: a.",
		`{".a":1}`:                        "invalid_field_name Invalid field name: .a",
		`{"a":{"":1}}`:                    "invalid_field_name Invalid field name: a.",
		`{"a":{"b..c":{"$gt":1}}}`:        "invalid_field_name Invalid field name: a.b..c",
		`{"a":{"$elemMatch":{"b..c":1}}}`: "invalid_field_name Invalid field name: b..c",
		`{"a\\.b..c":1}`:                  `invalid_field_name Invalid field name: a\.b..c`,
	} {
		_, err := mango.Parse([]byte(selector))
		if got := describe(err); got != want {
			t.Errorf("%.60s: %s, want %s", selector, got, want)
		}
	}
	if _, err := mango.Parse([]byte(`{"$or":[0` + strings.Repeat(",0", 10_000) + `]}`)); describe(err) != "bad_request The selector has too many conditions." {
		t.Errorf("many conditions: %v", err)
	}
	if _, err := mango.Parse([]byte(`{"a":"` + strings.Repeat("x", 2<<20) + `"}`)); !errors.Is(err, &couch.Error{Kind: couch.RequestTooLarge}) {
		t.Errorf("a long selector: %v", err)
	}
	many := `{"$or":[1` + strings.Repeat(`,{"a":{"$regex":".{999}"}}`, 101) + `]}`
	if _, err := mango.Parse([]byte(many)); describe(err) != "bad_arg The regular expressions of the selector are too large." {
		t.Errorf("large regular expressions: %v", err)
	}
	long := `{"a":{"$in":"` + strings.Repeat("x", 1<<20) + `"}}`
	if _, err := mango.Parse([]byte(long)); err == nil || len(err.Error()) > 2000 {
		t.Error("a reason shows all of a long argument")
	}
}

func describe(err error) string {
	wrong, ok := errors.AsType[*couch.Error](err)
	switch {
	case err == nil:
		return "accepted"
	case !ok:
		return err.Error()
	case wrong.Kind == couch.BadRequest:
		return "bad_request " + wrong.Reason
	}
	return errorNames[wrong.Kind] + " " + wrong.Reason
}

// Long names above many conditions, and long arguments below many fields, take no
// more time than their length is worth: else this would not end before the time for
// all tests does.
func TestHostileSelectors(t *testing.T) {
	values := `[0` + strings.Repeat(`,1`, 900_000) + `]`
	name := strings.Repeat("n", 60_000)
	for _, selector := range []string{
		strings.Repeat(`{"a":`, 400) + `{"$in":` + values + `}` + strings.Repeat(`}`, 400),
		strings.Repeat(`{"$and":[`, 200) + `{"a":{"$nin":` + values + `}}` + strings.Repeat(`]}`, 200),
		strings.Repeat(`{"$not":`, 400) + `{"a":` + values + `}` + strings.Repeat(`}`, 400),
		`{"` + name + `":{"$or":[0` + strings.Repeat(`,{"$gt":1}`, 9_000) + `]}}`,
	} {
		chosen(parse(t, selector))
	}
	if _, err := mango.Parse([]byte(`{"` + name + name + `":1}`)); err == nil {
		t.Error("a name without bounds is accepted")
	}
}

func TestFields(t *testing.T) {
	doc := `{"_id":"a","o":{"x":{"y":1},"z":2},"l":[1,{"q":2}],"a.b":{"c\"":3},"\u0007":4}`
	for fields, want := range map[string]string{
		`[]`:                      doc,
		`["_id"]`:                 `{"_id":"a"}`,
		`["none","o.none","l.9"]`: `{}`,
		`["o.z","o.x"]`:           `{"o":{"z":2,"x":{"y":1}}}`,
		`["o","o.x"]`:             `{"o":{"x":{"y":1},"z":2}}`,
		`["o.x.y","o"]`:           `{"o":{"x":{"y":1},"z":2}}`,
		`["o.z","o.z"]`:           `{"o":{"z":2}}`,
		`["l.1.q","l.[0]"]`:       `{"l":{"1":{"q":2}}}`,
		`["l.0","l"]`:             `{"l":[1,{"q":2}]}`,
		`["l","l.0"]`:             `{"l":[1,{"q":2}]}`,
		`["a\\.b.c\""]`:           `{"a.b":{"c\"":3}}`,
		`["\u0007","_id"]`:        `{"\u0007":4,"_id":"a"}`,
	} {
		f, err := mango.ParseFields([]byte(fields))
		if err != nil {
			t.Errorf("%s: %v", fields, err)
			continue
		}
		if diff := cmp.Diff("x"+want, string(f.Append([]byte("x"), []byte(doc)))); diff != "" {
			t.Errorf("%s: %s", fields, diff)
		}
	}
	for fields, want := range map[string]string{
		`"x"`:     "invalid_fields Fields must be an array of strings, not: <<120>>",
		`{}`:      "invalid_fields Fields must be an array of strings, not: {[]}",
		`[["a"]]`: "invalid_field Invalid JSON for field spec: [<<97>>]",
		`["a."]`:  "invalid_field_name Invalid field name: a.",
		`[""]`:    "invalid_field_name Invalid field name: ",
		`[`:       "bad_request invalid UTF-8 JSON",
		`["a"` + strings.Repeat(`,"a"`, 1000) + `]`: "bad_request There are too many fields.",
	} {
		if _, err := mango.ParseFields([]byte(fields)); describe(err) != want {
			t.Errorf("%s: %s, want %s", fields, describe(err), want)
		}
	}
}

func BenchmarkMatch(b *testing.B) {
	doc := []byte(`{"_id":"note-2026-11-22","_rev":"3-967a00dff5e02add41819138abb3284d","type":"leaf","title":"Zürich","mtime":1763832000,"size":1200,"children":["h:1","h:2","h:3"],"data":"` + strings.Repeat("x", 1000) + `","path":"a/b/c.md"}`)
	for name, selector := range map[string]string{
		"ne":      `{"type":{"$ne":"leaf"}}`,
		"range":   `{"mtime":{"$gt":1700000000,"$lt":1800000000}}`,
		"last":    `{"path":"a/b/c.md"}`,
		"in":      `{"type":{"$in":["a","b","c","d","e","f","g","h","i","leaf"]}}`,
		"regex":   `{"path":{"$regex":"\\.md$"}}`,
		"unicode": `{"title":{"$gt":"Zurich"}}`,
		"elem":    `{"children":{"$elemMatch":{"$eq":"h:3"}}}`,
	} {
		b.Run(name, func(b *testing.B) {
			s := parse(b, selector)
			b.ReportAllocs()
			for b.Loop() {
				s.Match(doc)
			}
		})
	}
}
