package metaview

import (
	"bytes"

	"settle/storage/couch"
	"settle/storage/docjson"
)

// Member is the name of the member that lists deferred attachments.
const Member = "attachments_meta"

// member is the place of a member in a body's text: `"name":value` is
// text[from:to], the value text[value:to]. It is the index-th of the object.
type member struct {
	from, value, to int
	index           int
}

var quotedMember = []byte(`"` + Member + `":`)

// find returns the place of [Member] in a body's text, which is of the form that
// CouchDB prints: it has no white space, and each name once.
func find(text []byte) (m member, ok bool) {
	if !bytes.Contains(text, quotedMember) {
		return member{}, false
	}
	for m.from = 1; m.from < len(text) && text[m.from] == '"'; m.index++ {
		m.value = afterString(text, m.from) + 1
		m.to = afterValue(text, m.value)
		if bytes.Equal(text[m.from:m.value], quotedMember) {
			return m, true
		}
		m.from = m.to + 1
	}
	return member{}, false
}

// afterString returns the offset behind the string at i.
func afterString(text []byte, i int) int {
	for i++; text[i] != '"'; i++ {
		if text[i] == '\\' {
			i++
		}
	}
	return i + 1
}

// afterValue returns the offset behind the value at i.
func afterValue(text []byte, i int) int {
	for depth := 0; ; {
		switch text[i] {
		case '"':
			i = afterString(text, i)
			if depth == 0 {
				return i
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 { // behind a number or a word
				return i
			}
			if depth--; depth == 0 {
				return i + 1
			}
		case ',':
			if depth == 0 {
				return i
			}
		}
		i++
	}
}

// cut returns a body without a member.
func (m member) cut(body couch.Body) (couch.Body, error) {
	rest := couch.Body{Text: m.cutText(body.Text)}
	if body.Term == nil {
		return rest, nil
	}
	var err error
	if rest.Term, err = docjson.CutTerm(body.Term, m.index); err != nil {
		return couch.Body{}, err
	}
	return rest, nil
}

func (m member) cutText(text []byte) []byte {
	from, to := m.from, m.to
	if text[to] == ',' {
		to++
	} else if text[from-1] == ',' {
		from--
	}
	rest := make([]byte, 0, len(text)-(to-from))
	return append(append(rest, text[:from]...), text[to:]...)
}
