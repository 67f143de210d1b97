package mango

import (
	"encoding/base64"
	"encoding/json"

	"settle/storage/collate/jsonscan"
	"settle/storage/couch"
)

// NoBookmark is what `_find` prints where there is no row to go on from.
const NoBookmark = "nil"

// bookmarkVersion begins every bookmark, so that other texts are told from them.
const bookmarkVersion = 1

// Bookmark is the place of the row that was shown last in the index that was read.
type Bookmark struct {
	Key []byte // JSON: the array of the columns, or the id where all documents are read
	ID  couch.DocID
	// Index names the index; "" where that is not known, or is that of all documents.
	Index string
}

// NewBookmark returns the bookmark of a row of the plan's index.
func (p *Plan) NewBookmark(key []byte, id couch.DocID) Bookmark {
	b := Bookmark{Key: key, ID: id}
	if p.Index != nil && !p.Index.IsAllDocs() {
		b.Index = p.Index.ref()
	}
	return b
}

// String prints the bookmark: base64url of a version byte and the JSON array of
// what it holds, without an Index that is not known.
func (b Bookmark) String() string {
	text := append([]byte{bookmarkVersion, '['}, b.Key...)
	text = appendString(append(text, ','), string(b.ID))
	if b.Index != "" {
		text = appendString(append(text, ','), b.Index)
	}
	return base64.RawURLEncoding.EncodeToString(append(text, ']'))
}

// ParseBookmark reads a bookmark. The error is InvalidBookmark.
func ParseBookmark(s string) (Bookmark, error) {
	raw, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || len(raw) == 0 || raw[0] != bookmarkVersion || !json.Valid(raw[1:]) {
		return Bookmark{}, invalidBookmark(s)
	}
	var parts [][]byte
	for element := range jsonscan.Elements(raw[1:]) {
		parts = append(parts, jsonscan.Value(element))
	}
	if len(parts) != 2 && len(parts) != 3 {
		return Bookmark{}, invalidBookmark(s)
	}
	var texts [2]string
	for i, part := range parts[1:] {
		var ok bool
		if texts[i], ok = stringOf(part); !ok {
			return Bookmark{}, invalidBookmark(s)
		}
	}
	return Bookmark{Key: parts[0], ID: couch.DocID(texts[0]), Index: texts[1]}, nil
}

func invalidBookmark(s string) error {
	return couch.Errorf(couch.InvalidBookmark, "Invalid bookmark value: %s", appendString(nil, cut(s)))
}
