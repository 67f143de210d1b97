package design

import "settle/storage/couch"

// maxRow is how long the text of a row may be, which is parsed in a runtime.
const maxRow = 16 << 20

// RowText gathers the text of a row for a list function.
type RowText []byte

// Write adds p to the text. The error is a RequestTooLarge for a row that no runtime has
// room for.
func (t *RowText) Write(p []byte) (int, error) {
	if len(*t)+len(p) > maxRow {
		return 0, couch.Errorf(couch.RequestTooLarge, "a row is too large for a list function")
	}
	*t = append(*t, p...)
	return len(p), nil
}
