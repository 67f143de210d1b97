package viewrow

import (
	"encoding/binary"

	"settle/storage/view/cut"
)

// Doc is what an index remembers of a document: the stems of its rows, by view,
// ascending. Equal ones are duplicates, in their order.
//
//	version   1 byte
//	bytes     uvarint: size of the rows
//	views     for each view with rows: uvarint view, uvarint number, so many stems,
//	          each a uvarint length and so many bytes
type Doc struct {
	Bytes int64
	Stems [][][]byte // by view
}

const docVersion = 1

// IsEmpty reports whether a document has no rows.
func (d *Doc) IsEmpty() bool {
	for _, stems := range d.Stems {
		if len(stems) > 0 {
			return false
		}
	}
	return true
}

// Encode returns the row.
func (d *Doc) Encode() []byte {
	b := binary.AppendUvarint(append(make([]byte, 0, 64), docVersion), uint64(d.Bytes))
	for view, stems := range d.Stems {
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

// DecodeDoc reads a row of an index of so many views; nil is an empty one. It
// keeps b. The error is of kind couch.Corrupt.
func DecodeDoc(b []byte, views int) (*Doc, error) {
	d := &Doc{Stems: make([][][]byte, views)}
	if b == nil {
		return d, nil
	}
	c := cut.Cutter{Rest: b}
	if c.Byte() != docVersion {
		return nil, corrupt("document of an index")
	}
	d.Bytes = int64(c.Uvarint())
	for len(c.Rest) > 0 && !c.Bad {
		view, n := c.Uvarint(), c.Uvarint()
		if view >= uint64(views) || n > uint64(len(c.Rest)) {
			c.Bad = true
			break
		}
		for range n {
			d.Stems[view] = append(d.Stems[view], c.Bytes())
		}
	}
	if c.Bad || d.Bytes < 0 {
		return nil, corrupt("document of an index")
	}
	return d, nil
}
