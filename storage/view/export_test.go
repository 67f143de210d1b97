package view

import (
	"settle/storage/couch"
	"settle/storage/view/redtree"
)

// SomeHead returns a head of two views.
func SomeHead() []byte {
	h := head{Incarnation: couch.Incarnation{1}, Generation: 300, Seq: 5, Kept: true, Bytes: 7, Views: make([]viewHead, 2)}
	h.Views[0] = viewHead{Rows: 2, Changed: 299, Root: redtree.Root{Height: 1, Summary: redtree.Summary{Rows: 2, States: [][]byte{[]byte("2")}}}}
	return h.encode()
}

// RecodeHead decodes a head of two views and encodes it again.
func RecodeHead(b []byte) ([]byte, bool) {
	h, err := decodeHead(b, 2)
	if err != nil {
		return nil, false
	}
	return h.encode(), true
}
