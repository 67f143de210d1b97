package config

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/BurntSushi/toml"
)

// parseTOML reads CouchDB's sections as tables. Values are strings, booleans,
// whole numbers, and lists of strings, which stand for CouchDB's lists between
// commas.
func parseTOML(text string) (map[ID]string, error) {
	var tables map[string]any
	if _, err := toml.Decode(text, &tables); err != nil {
		if at, ok := errors.AsType[toml.ParseError](err); ok {
			return nil, fmt.Errorf("line %d: not TOML", at.Position.Line) // its own words quote the line
		}
		return nil, errors.New("not TOML")
	}
	values := map[ID]string{}
	for section, table := range tables {
		keys, ok := table.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("%s stands outside a section", section)
		}
		for key, value := range keys {
			id := ID{section, key}
			text, ok := asText(value)
			if !ok {
				return nil, fmt.Errorf("%v must be a string, a boolean, a whole number, or a list of strings", id)
			}
			values[id] = strings.TrimSpace(text)
		}
	}
	return values, nil
}

// asText returns a value of TOML as CouchDB writes it.
func asText(value any) (text string, ok bool) {
	switch v := value.(type) {
	case string:
		return v, true
	case bool:
		return strconv.FormatBool(v), true
	case int64:
		return strconv.FormatInt(v, 10), true
	case []any:
		items := []string{}
		for _, item := range v {
			s, ok := item.(string)
			if !ok {
				return "", false
			}
			items = append(items, s)
		}
		return strings.Join(items, ","), true
	}
	return "", false
}
