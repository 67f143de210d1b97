package multipart

import (
	"net/textproto"
	"strings"

	"settle/storage/couch"
)

// Header holds the header fields of a part. Values are as they were sent, without
// the white space around them; bytes beyond ASCII are not decoded.
type Header map[string]string

// Get returns a field by its name in any case, "" where there is none.
func (h Header) Get(name string) string { return h[textproto.CanonicalMIMEHeaderKey(name)] }

// parseHeader reads the lines between a delimiter and the empty line behind the
// header. The first of them is the rest of the delimiter's own line.
func parseHeader(block string) (Header, error) {
	h := Header{}
	field := ""
	for i, line := range strings.Split(block, "\r\n") {
		switch text := strings.Trim(line, " \t"); {
		case text == "":
		case i > 0 && field != "" && text[0] != line[0]:
			h[field] += " " + text // a folded line
		default:
			name, value, ok := strings.Cut(line, ":")
			if i == 0 || !ok {
				return nil, couch.Errorf(couch.BadRequest, "bad part header")
			}
			field = textproto.CanonicalMIMEHeaderKey(strings.TrimSpace(name))
			h[field] = strings.TrimSpace(value)
		}
	}
	return h, nil
}
