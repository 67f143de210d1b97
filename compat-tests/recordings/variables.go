package recordings

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strings"
	"sync"
)

var variable = regexp.MustCompile(`\$\{(\w+)\}`)

// variables are the values that answers left for later requests. Requests in
// the background save too, hence the lock.
type variables struct {
	mu     sync.Mutex
	values map[string]string
}

func newVariables(server string) *variables {
	return &variables{values: map[string]string{"server": server}}
}

func (v *variables) set(name, value string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.values[name] = value
}

// fill replaces each ${name}; unknown names stay as they are.
func (v *variables) fill(s string) string {
	if !strings.Contains(s, "${") {
		return s
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	return variable.ReplaceAllStringFunc(s, func(m string) string {
		if value, ok := v.values[m[2:len(m)-1]]; ok {
			return value
		}
		return m
	})
}

// fillJSON writes a recorded JSON text compactly, members in order, with the
// variables in its strings and member names filled in. Characters beyond ASCII
// go out as themselves, as they did when the exchange was recorded.
func (v *variables) fillJSON(raw json.RawMessage) ([]byte, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var out bytes.Buffer
	if err := v.copyValue(&out, dec); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, errTrailing
	}
	return out.Bytes(), nil
}

func (v *variables) copyValue(out *bytes.Buffer, dec *json.Decoder) error {
	tok, err := dec.Token()
	if err != nil {
		return err
	}
	switch t := tok.(type) {
	case json.Delim:
		return v.copyMembers(out, dec, byte(t))
	case string:
		writeString(out, v.fill(t))
	case json.Number:
		out.WriteString(string(t))
	case bool:
		fmt.Fprint(out, t)
	case nil:
		out.WriteString("null")
	}
	return nil
}

// copyMembers copies an array or an object, whose opening delimiter was read.
func (v *variables) copyMembers(out *bytes.Buffer, dec *json.Decoder, open byte) error {
	out.WriteByte(open)
	for n := 0; dec.More(); n++ {
		if n > 0 {
			out.WriteByte(',')
		}
		if err := v.copyValue(out, dec); err != nil {
			return err
		}
		if open == '{' {
			out.WriteByte(':')
			if err := v.copyValue(out, dec); err != nil {
				return err
			}
		}
	}
	end, err := dec.Token()
	if err != nil {
		return err
	}
	out.WriteByte(byte(end.(json.Delim)))
	return nil
}

// writeString writes a JSON string that escapes only what JSON demands.
func writeString(out *bytes.Buffer, s string) {
	out.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			out.WriteByte('\\')
			out.WriteRune(r)
		case r >= 0x20:
			out.WriteRune(r)
		case strings.ContainsRune("\b\t\n\f\r", r):
			out.WriteByte('\\')
			out.WriteByte("btn_fr"[r-'\b'])
		default:
			fmt.Fprintf(out, `\u%04x`, r)
		}
	}
	out.WriteByte('"')
}
