package config

import (
	"errors"
	"fmt"
	"strings"
)

var errINI = errors.New("neither a section, nor a key with a value, nor a comment")

// parseINI reads the dialect of CouchDB's configuration: sections in brackets,
// keys before the first "=", comments behind ";" at the beginning of a line or
// after a space, and indented lines that go on with the value above. The later of
// two values counts.
func parseINI(text string) (map[ID]string, error) {
	values := map[ID]string{}
	at := ID{} // of the line before
	number := 0
	for line := range strings.SplitSeq(strings.TrimPrefix(text, "\ufeff"), "\n") {
		number++
		line = strings.TrimSuffix(line, "\r")
		trimmed := strings.TrimSpace(line)
		name, isSection := sectionName(trimmed)
		key, value, isValue := strings.Cut(trimmed, "=")
		switch {
		case trimmed == "" || trimmed[0] == ';' || trimmed[0] == '#':
		case isSection:
			at = ID{Section: name}
		case line[0] == ' ' || line[0] == '\t':
			if at.Key == "" {
				return nil, fmt.Errorf("line %d: %w", number, errINI)
			}
			values[at] = strings.TrimSpace(values[at] + " " + withoutComment(trimmed))
		case isValue && at.Section != "" && strings.TrimSpace(key) != "":
			at.Key = strings.TrimSpace(key)
			values[at] = strings.TrimSpace(withoutComment(value))
		default:
			return nil, fmt.Errorf("line %d: %w", number, errINI)
		}
	}
	return values, nil
}

// sectionName returns the name between brackets.
func sectionName(line string) (name string, ok bool) {
	inside, open := strings.CutPrefix(line, "[")
	name, closed := strings.CutSuffix(inside, "]")
	return name, open && closed && name != "" && !strings.ContainsAny(name, "[]")
}

// withoutComment returns a value without the comment behind it.
func withoutComment(value string) string {
	for _, mark := range []string{" ;", "\t;"} {
		value, _, _ = strings.Cut(value, mark)
	}
	return value
}
