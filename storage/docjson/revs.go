package docjson

import "settle/storage/couch"

// AppendRevs appends a list of revision ids.
func AppendRevs(dst []byte, revs []couch.RevID) []byte {
	dst = append(dst, '[')
	for i, rev := range revs {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = AppendString(dst, rev.String())
	}
	return append(dst, ']')
}
