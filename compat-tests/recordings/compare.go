package recordings

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Absent stands in a [Difference] for a value that is not there.
const Absent = "(absent)"

// Difference is one place where an answer is not what was recorded.
type Difference struct {
	Place string // "status", "body", "headers/NAME", or a path that begins with the body's form
	Want  any
	Got   any
}

func (d Difference) String() string {
	return fmt.Sprintf("%s: recorded %s | got %s", d.Place, short(d.Want), short(d.Got))
}

// ignoredKeys are members that say something about this server or this moment.
var ignoredKeys = setOf("sizes", "cluster", "disk_format_version", "version", "uuid", "vendor", "git_sha", "features",
	"instance_start_time", "purge_seq", "compact_running", "execution_time_ms", "signature", "collator_versions", "ref")

// seqKeys are members that hold a sequence, of which only the number before the first "-" counts.
var seqKeys = setOf("seq", "last_seq", "update_seq", "source_last_seq", "start_last_seq", "end_last_seq", "recorded_seq",
	"checkpointed_source_seq", "source_seq", "through_seq")

// listHeaders must hold at least what was recorded.
var listHeaders = setOf("allow", "vary", "access-control-allow-headers", "access-control-allow-methods", "access-control-expose-headers")

// comparableETag matches entity tags that name a revision or a digest.
var comparableETag = regexp.MustCompile(`^"(\d+-[0-9a-f]{32}|[A-Za-z0-9+/]{22}==)"$`)

func setOf(names ...string) map[string]bool {
	set := map[string]bool{}
	for _, n := range names {
		set[n] = true
	}
	return set
}

// Compare lists the differences that count, by the rules of FORMAT.md. Places
// in volatile count only by their JSON type.
func Compare(got *Answer, want *Recorded, volatile []string) []Difference {
	if want.Status >= 500 && got.Status >= 400 {
		return nil // a clear refusal is as good as a crash
	}
	if got.Status != want.Status {
		detail := got.Failure
		if detail == "" {
			detail = short(got.Body)
		}
		return []Difference{{"status", want.Status, fmt.Sprintf("%d %s", got.Status, detail)}}
	}
	c := &comparison{volatile: setOf(volatile...)}
	c.headers(want.Headers, got.Headers)
	switch {
	case want.Form == got.Form:
		c.values(string(want.Form), "", want.Body, got.Body)
	case want.Form == FormLines && got.Form == FormJSON && isShortList(want.Body):
		// one line alone cannot be told from a JSON value
	default:
		c.add("body", fmt.Sprintf("%s: %s", want.Form, short(want.Body)), fmt.Sprintf("%s: %s", got.Form, short(got.Body)))
	}
	return c.found
}

func isShortList(v any) bool {
	list, ok := v.([]any)
	return ok && len(list) <= 1
}

type comparison struct {
	volatile map[string]bool
	found    []Difference
}

func (c *comparison) add(place string, want, got any) {
	c.found = append(c.found, Difference{place, want, got})
}

func (c *comparison) headers(want, got map[string]string) {
	for _, name := range slices.Sorted(maps.Keys(want)) {
		g, has := got[name]
		switch place := "headers/" + name; {
		case c.volatile[place]:
		case !has:
			c.add(place, want[name], Absent)
		case !sameHeader(name, want[name], g):
			c.add(place, want[name], g)
		}
	}
}

func sameHeader(name, want, got string) bool {
	switch {
	case want == got:
		return true
	case name == "content-type" || name == "set-cookie":
		return firstField(want) == firstField(got)
	case listHeaders[name]:
		have := setOf(listItems(got)...)
		return !slices.ContainsFunc(listItems(want), func(item string) bool { return !have[item] })
	case name == "etag":
		return got != "" && !comparableETag.MatchString(want)
	default:
		return false
	}
}

// firstField is what stands before the first ";".
func firstField(header string) string {
	first, _, _ := strings.Cut(header, ";")
	return strings.TrimSpace(first)
}

func listItems(header string) []string {
	items := strings.Split(strings.ToLower(header), ",")
	for i := range items {
		items[i] = strings.TrimSpace(items[i])
	}
	return items
}

// values compares two decoded values. The key is the name of the member that
// they are in; a list's items have their list's.
func (c *comparison) values(place, key string, want, got any) {
	switch {
	case c.volatile[place]:
		if !sameVolatileKind(kind(want), kind(got)) {
			c.add(place, "a "+kind(want), got)
		}
		return
	case ignoredKeys[key]:
		return
	case seqKeys[key]:
		if seqNumber(want) != seqNumber(got) {
			c.add(place, want, got)
		}
		return
	case key == "reason" && kind(want) == "string" && kind(got) == "string":
		return
	}
	switch w := want.(type) {
	case map[string]any:
		if g, ok := got.(map[string]any); ok {
			c.members(place, w, g)
			return
		}
	case []any:
		if g, ok := got.([]any); ok {
			c.items(place, key, w, g)
			return
		}
	}
	if !equalJSON(want, got) {
		c.add(place, want, got)
	}
}

func (c *comparison) members(place string, want, got map[string]any) {
	names := maps.Clone(want)
	maps.Copy(names, got)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		w, wanted := want[name]
		g, has := got[name]
		switch at := place + "/" + name; {
		case wanted && has:
			c.values(at, name, w, g)
		case ignoredKeys[name]:
		case wanted:
			c.add(at, w, Absent)
		default:
			c.add(at, Absent, g)
		}
	}
}

func (c *comparison) items(place, key string, want, got []any) {
	if len(want) != len(got) {
		c.add(place, fmt.Sprintf("%d items: %s", len(want), short(want)), fmt.Sprintf("%d items: %s", len(got), short(got)))
		return
	}
	for i := range want {
		c.values(fmt.Sprintf("%s/%d", place, i), key, want[i], got[i])
	}
}

// sameVolatileKind lets a number, a string and null stand for one another:
// sequences are all three.
func sameVolatileKind(want, got string) bool {
	scalar := setOf("number", "string", "null")
	return want == got || scalar[want] && scalar[got]
}

func seqNumber(v any) string {
	var text string
	switch x := v.(type) {
	case string:
		text = x
	case json.Number:
		text = x.String()
	default:
		text = textOf(v)
	}
	number, _, _ := strings.Cut(text, "-")
	return number
}
