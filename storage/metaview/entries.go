package metaview

import (
	"bytes"
	"strconv"

	"settle/storage/couch"
	"settle/storage/docjson"
)

// appendEntries appends the value of [Member] for attachments.
func appendEntries(dst []byte, atts []couch.Attachment) []byte {
	dst = append(dst, '{')
	for i := range atts {
		a := &atts[i]
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = docjson.AppendString(dst, a.Name)
		dst = docjson.AppendString(append(dst, `:{"content_type":`...), a.ContentType)
		dst = strconv.AppendInt(append(dst, `,"length":`...), a.Length, 10)
		dst = docjson.AppendString(append(dst, `,"digest":`...), a.Digest.String())
		dst = append(strconv.AppendUint(append(dst, `,"revpos":`...), a.RevPos, 10), '}')
	}
	return append(dst, '}')
}

// parseEntries reads the value of [Member], which is JSON, as stubs by digest. isList
// says whether it is an object, as a list of entries is; the error, a BadRequest, says
// what is wrong with an entry of one.
func parseEntries(value []byte) (entries []couch.Attachment, isList bool, err error) {
	if value[0] != '{' {
		return nil, false, nil
	}
	r := docjson.NewReader(bytes.NewReader(value))
	for name, err := range r.Members() {
		if err != nil {
			return nil, true, err
		}
		a, err := parseEntry(r, name)
		if err != nil {
			return nil, true, err
		}
		entries = append(entries, a)
	}
	return entries, true, nil
}

// parseEntry reads an entry, which has these four members and no others.
func parseEntry(r *docjson.Reader, name string) (couch.Attachment, error) {
	a := couch.Attachment{Name: name, Stub: true, ByDigest: true}
	if err := checkName(name); err != nil {
		return a, err
	}
	if kind, err := r.Kind(); err != nil || kind != docjson.Object {
		return a, invalid(name, "entry")
	}
	seen := 0
	for member, err := range r.Members() {
		if err != nil {
			return a, err
		}
		if err := parseMember(&a, r, member); err != nil {
			return a, err
		}
		seen++
	}
	if seen < len(parsers) {
		return a, invalid(name, "entry: a member is missing")
	}
	return a, a.CheckBounds()
}

func checkName(name string) error {
	if name != "" && name[0] == '_' {
		return couch.Errorf(couch.BadRequest, "Attachment name '%s' starts with prohibited character '_'", name)
	}
	a := couch.Attachment{Name: name}
	return a.CheckBounds()
}

// parsers read the members of an entry, and say whether they are of the form.
var parsers = map[string]func(*couch.Attachment, *docjson.Reader) bool{
	"content_type": func(a *couch.Attachment, r *docjson.Reader) (ok bool) {
		a.ContentType, ok = readString(r)
		return ok
	},
	"digest": func(a *couch.Attachment, r *docjson.Reader) bool {
		text, ok := readString(r)
		var err error
		a.Digest, err = couch.ParseDigest(text)
		return ok && err == nil && a.Digest.String() == text
	},
	"length": func(a *couch.Attachment, r *docjson.Reader) bool {
		n, ok := readCount(r)
		a.Length = int64(n)
		return ok
	},
	"revpos": func(a *couch.Attachment, r *docjson.Reader) (ok bool) {
		a.RevPos, ok = readCount(r)
		return ok
	},
}

func parseMember(a *couch.Attachment, r *docjson.Reader, member string) error {
	parse, ok := parsers[member]
	if !ok {
		return invalid(a.Name, "entry: a member is unknown")
	}
	if !parse(a, r) {
		return invalid(a.Name, member)
	}
	return nil
}

func readString(r *docjson.Reader) (string, bool) {
	text, err := r.String()
	return text, err == nil
}

// readCount reads an integer from 0 to 2^63-1.
func readCount(r *docjson.Reader) (uint64, bool) {
	text, err := r.Value()
	if err != nil {
		return 0, false
	}
	n, err := strconv.ParseUint(string(text), 10, 63)
	return n, err == nil
}

func invalid(name, what string) error {
	return couch.Errorf(couch.BadRequest, "Invalid %s of %s in %s", what, name, Member)
}
