package view

import (
	"settle/storage/couch"
	"settle/storage/view/redtree"
)

// EncodeRow makes key and value of a row.
func EncodeRow(stem string, id couch.DocID, e Emitted) (key, value []byte) {
	return rowKey([]byte(stem), id, 0), encodeRow(len(stem), e)
}

// DecodeRow is the reverse of EncodeRow.
func DecodeRow(key, value []byte) (string, couch.DocID, Emitted, error) {
	r, err := decodeRow(key, value)
	return string(r.stem), r.id, Emitted{string(r.key), string(r.value)}, err
}

// EncodeDocRow makes what an index remembers of a document.
func EncodeDocRow(stems [][]string, size int64) []byte {
	d := docRow{bytes: size}
	for _, list := range stems {
		var out [][]byte
		for _, s := range list {
			out = append(out, []byte(s))
		}
		d.stems = append(d.stems, out)
	}
	return d.encode()
}

// DecodeDocRow is the reverse of EncodeDocRow.
func DecodeDocRow(b []byte, views int) ([][]string, int64, error) {
	d, err := decodeDocRow(b, views)
	if err != nil {
		return nil, 0, err
	}
	var stems [][]string
	for _, list := range d.stems {
		var out []string
		for _, s := range list {
			out = append(out, string(s))
		}
		stems = append(stems, out)
	}
	return stems, d.bytes, nil
}

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
