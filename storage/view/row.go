package view

import (
	"encoding/binary"

	"settle/storage/couch"
	"settle/storage/view/cut"
	"settle/storage/view/reduction"
)

func corrupt(what string) error {
	return couch.Errorf(couch.Corrupt, "Stored data is damaged: %s", what)
}

// storedRow is a row as it lies in the index.
type storedRow struct {
	stem  []byte // what the key of the row begins with
	id    couch.DocID
	key   []byte // JSON
	value []byte // JSON
}

// encodeRow returns the value of a row:
//
//	stem    uvarint length of that part of the row's key
//	key     uvarint length, so many bytes
//	value   the rest
func encodeRow(stem int, e Emitted) []byte {
	b := binary.AppendUvarint(make([]byte, 0, 6+len(e.Key)+len(e.Value)), uint64(stem))
	b = binary.AppendUvarint(b, uint64(len(e.Key)))
	return append(append(b, e.Key...), e.Value...)
}

// decodeRow reads a row, of which it keeps key and value. The error is of kind
// couch.Corrupt.
func decodeRow(key, value []byte) (storedRow, error) {
	stem, n := binary.Uvarint(value)
	if n <= 0 || len(key) < duplicateSize || stem > uint64(len(key)-duplicateSize) {
		return storedRow{}, corrupt("row of a view")
	}
	size, m := binary.Uvarint(value[n:])
	if m <= 0 || size > uint64(len(value)-n-m) {
		return storedRow{}, corrupt("row of a view")
	}
	id, ok := unescape(key[stem : len(key)-duplicateSize])
	if !ok {
		return storedRow{}, corrupt("key of a row of a view")
	}
	value = value[n+m:]
	return storedRow{stem: key[:stem], id: couch.DocID(id), key: value[:size:size], value: value[size:]}, nil
}

// reductionRow reads a row for a reduction.
func reductionRow(key, value []byte) (reduction.Row, error) {
	row, err := decodeRow(key, value)
	return reduction.Row{Key: row.key, Value: row.value, ID: row.id}, err
}

// docRow is what an index remembers of a document: the stems of its rows, by view,
// ascending. Equal ones are duplicates, in their order.
//
//	version   1 byte
//	bytes     uvarint: size of the rows
//	views     for each view with rows: uvarint view, uvarint number, so many stems,
//	          each a uvarint length and so many bytes
type docRow struct {
	bytes int64
	stems [][][]byte // by view
}

const docRowVersion = 1

func (d *docRow) isEmpty() bool {
	for _, stems := range d.stems {
		if len(stems) > 0 {
			return false
		}
	}
	return true
}

func (d *docRow) encode() []byte {
	b := binary.AppendUvarint(append(make([]byte, 0, 64), docRowVersion), uint64(d.bytes))
	for view, stems := range d.stems {
		if len(stems) == 0 {
			continue
		}
		b = binary.AppendUvarint(b, uint64(view))
		b = binary.AppendUvarint(b, uint64(len(stems)))
		for _, stem := range stems {
			b = append(binary.AppendUvarint(b, uint64(len(stem))), stem...)
		}
	}
	return b
}

// decodeDocRow reads a row of an index of so many views; nil is an empty one. It
// keeps b. The error is of kind couch.Corrupt.
func decodeDocRow(b []byte, views int) (*docRow, error) {
	d := &docRow{stems: make([][][]byte, views)}
	if b == nil {
		return d, nil
	}
	c := cut.Cutter{Rest: b}
	if c.Byte() != docRowVersion {
		return nil, corrupt("document of an index")
	}
	d.bytes = int64(c.Uvarint())
	for len(c.Rest) > 0 && !c.Bad {
		view, n := c.Uvarint(), c.Uvarint()
		if view >= uint64(views) || n > uint64(len(c.Rest)) {
			c.Bad = true
			break
		}
		for range n {
			d.stems[view] = append(d.stems[view], c.Bytes())
		}
	}
	if c.Bad || d.bytes < 0 {
		return nil, corrupt("document of an index")
	}
	return d, nil
}

// rowKeys returns the keys of a document's rows in a view, ascending, of their stems.
func rowKeys(stems [][]byte, id couch.DocID) [][]byte {
	if len(stems) == 0 {
		return nil
	}
	keys := make([][]byte, len(stems))
	duplicate := 0
	for i, stem := range stems {
		if duplicate++; i == 0 || string(stem) != string(stems[i-1]) {
			duplicate = 0
		}
		keys[i] = rowKey(stem, id, duplicate)
	}
	return keys
}
