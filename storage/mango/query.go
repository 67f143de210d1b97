package mango

import (
	"errors"
	"math"
	"strconv"
	"strings"

	"settle/storage/collate/jsonscan"
	"settle/storage/couch"
)

// Query is what `_find` and `_explain` are asked for.
type Query struct {
	Selector       *Selector
	Fields         *Fields
	Sort           Sort
	UseIndex       []string // a design document, with or without "_design/", and an index of it
	Bookmark       string
	Limit, Skip    int
	Partition      string
	R              int // copies to read of a document; one is all there are
	Conflicts      bool
	Stale          bool
	Update         bool
	Stable         bool
	ExecutionStats bool
	AllowFallback  bool // to another index than UseIndex, or to none
}

// ParseQuery reads the body of `_find`, as docjson prints it; limit stands for the one
// that it does not say. Of the partition it checks that it is a string; what its name
// may be is for the database to say. It keeps no part of the body.
//
// Errors are those of [Parse], [ParseFields] and [ParseSort], and of the kinds
// MissingKey, InvalidKey, InvalidIndexName, InvalidBookmark, InvalidCount,
// InvalidPositive, InvalidBoolean and InvalidValue.
func ParseQuery(body []byte, limit int) (*Query, error) {
	r := parseRequest(body)
	q := &Query{Fields: new(Fields)}
	parse(r, r.need("selector"), &q.Selector, Parse)
	parse(r, r.take("use_index"), &q.UseIndex, parseUseIndex)
	parse(r, r.take("bookmark"), &q.Bookmark, parseBookmarkMember)
	q.Limit = r.count("limit", limit)
	q.Skip = r.count("skip", 0)
	parse(r, r.take("sort"), &q.Sort, ParseSort)
	parse(r, r.take("fields"), &q.Fields, ParseFields)
	parse(r, r.take("partition"), &q.Partition, parsePartition)
	q.R = r.positive("r", 1)
	q.Conflicts = r.boolean("conflicts", false)
	parse(r, r.take("stale"), &q.Stale, parseStale)
	q.Update = r.boolean("update", true)
	q.Stable = r.boolean("stable", false)
	q.ExecutionStats = r.boolean("execution_stats", false)
	q.AllowFallback = r.boolean("allow_fallback", true)
	return q, r.end()
}

// parse reads a member that is there.
func parse[T any](r *request, value []byte, into *T, read func([]byte) (T, error)) {
	if r.err != nil || value == nil {
		return
	}
	got, err := read(value)
	if err != nil {
		r.fail(err)
		return
	}
	*into = got
}

func parseCount(json []byte) (int, bool) {
	if !isInteger(json) {
		return 0, false
	}
	n, err := strconv.Atoi(string(jsonscan.Value(json)))
	if errors.Is(err, strconv.ErrRange) && n > 0 {
		return math.MaxInt, true
	}
	return n, err == nil && n >= 0
}

// parseUseIndex reads the name of a design document, with that of an index behind it
// or not: in one string, or a list of one or two.
func parseUseIndex(json []byte) ([]string, error) {
	invalid := couch.Errorf(couch.InvalidIndexName, "Invalid index name: %s", term(json))
	if jsonscan.KindOf(json) == jsonscan.Null {
		return nil, nil
	}
	if name, ok := stringOf(json); ok {
		parts := splitIndexName(name)
		if parts == nil {
			return nil, invalid
		}
		return parts, nil
	}
	if jsonscan.KindOf(json) != jsonscan.Array {
		return nil, invalid
	}
	var names []string
	for element := range jsonscan.Elements(json) {
		name, ok := stringOf(element)
		if !ok || len(names) == 2 {
			return nil, invalid
		}
		names = append(names, name)
	}
	return names, nil
}

// splitIndexName parts "ddoc" or "ddoc/index", with "_design/" before it or not; nil
// where there are more parts.
func splitIndexName(name string) []string {
	parts := strings.Split(name, "/")
	if len(parts) > 1 && parts[0] == "_design" {
		parts = parts[1:]
	}
	if len(parts) > 2 {
		return nil
	}
	return parts
}

func parseBookmarkMember(json []byte) (string, error) {
	if jsonscan.KindOf(json) == jsonscan.Null {
		return "", nil
	}
	text, ok := stringOf(json)
	if !ok {
		return "", invalidBookmark(string(jsonscan.Value(json)))
	}
	return text, nil
}

func parsePartition(json []byte) (string, error) {
	name, ok := stringOf(json)
	if !ok {
		return "", couch.Errorf(couch.IllegalPartition, "Partition must be a string")
	}
	return name, nil
}

func parseStale(json []byte) (bool, error) {
	text, _ := stringOf(json)
	switch {
	case text == "ok":
		return true, nil
	case text == "false", jsonscan.KindOf(json) == jsonscan.False:
		return false, nil
	}
	return false, couch.Errorf(couch.InvalidValue, "Invalid value for stale: %s", term(json))
}
