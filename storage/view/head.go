package view

import (
	"context"
	"encoding/binary"
	"slices"

	"settle/storage/couch"
	"settle/storage/kv"
	"settle/storage/view/cut"
	"settle/storage/view/redtree"
)

// Kinds of the rows in an index's partition.
const (
	kindDoc  = 'd'
	kindHead = 'h'
	kindView = 'v'
)

func docKey(id couch.DocID) []byte { return append([]byte{kindDoc}, id...) }

func headKey() []byte { return []byte{kindHead} }

// viewPrefix is what the keys of a view's rows and summaries begin with.
func viewPrefix(view int) []byte {
	return binary.BigEndian.AppendUint16([]byte{kindView}, uint16(view))
}

// head says how far an index is.
//
//	version       1 byte
//	Incarnation   8 bytes
//	Seed          16 bytes
//	Generation    uvarint
//	Seq           uvarint
//	PurgeSeq      uvarint
//	Kept          1 byte
//	Bytes         uvarint
//	Load          1 byte: 0 for none; else Seq, Docs (uvarint), length of After (uvarint),
//	              After
//	views         for each: rows, changed (uvarint), height (1 byte), summary
type head struct {
	Incarnation couch.Incarnation // of the database
	Seed        redtree.Seed
	Generation  uint64 // grows with every commit
	Seq         couch.Seq
	PurgeSeq    uint64
	Kept        bool // the summaries agree with the rows; else there are none, or parts
	Bytes       int64
	Load        *load // nil: all documents are in the index, as they were at Seq or later
	Views       []viewHead
}

// load says how far the first documents of an index are loaded, in the order of their ids.
type load struct {
	Seq   couch.Seq // of the database when it began: where the feed goes on behind it
	After couch.DocID
	Docs  int64
}

// ahead returns the sequence that the database has reached at least.
func (h *head) ahead() couch.Seq {
	if h.Load != nil {
		return h.Load.Seq
	}
	return h.Seq
}

type viewHead struct {
	Rows    int64
	Changed uint64       // the generation that last changed a row
	Root    redtree.Root // where the summaries are kept
}

const headVersion = 2

func (h *head) clone() *head {
	c := *h
	c.Views = slices.Clone(h.Views)
	return &c
}

func (h *head) encode() []byte {
	b := append([]byte{headVersion}, h.Incarnation[:]...)
	b = append(b, h.Seed[:]...)
	for _, n := range []uint64{h.Generation, uint64(h.Seq), h.PurgeSeq} {
		b = binary.AppendUvarint(b, n)
	}
	b = binary.AppendUvarint(append(b, flag(h.Kept)), uint64(h.Bytes))
	b = h.Load.append(append(b, flag(h.Load != nil)))
	for _, v := range h.Views {
		b = binary.AppendUvarint(b, uint64(v.Rows))
		b = append(binary.AppendUvarint(b, v.Changed), byte(v.Root.Height))
		b = v.Root.Append(b)
	}
	return b
}

func (l *load) append(b []byte) []byte {
	if l == nil {
		return b
	}
	b = binary.AppendUvarint(b, uint64(l.Seq))
	b = binary.AppendUvarint(b, uint64(l.Docs))
	return append(binary.AppendUvarint(b, uint64(len(l.After))), l.After...)
}

// decodeHead reads the head of an index of so many views. It keeps b. The error is of
// kind couch.Corrupt.
func decodeHead(b []byte, views int) (*head, error) {
	c := cut.Cutter{Rest: b}
	h := &head{}
	if c.Byte() != headVersion || len(c.Rest) < len(h.Incarnation)+len(h.Seed) {
		return nil, corrupt("head of an index")
	}
	copy(h.Incarnation[:], c.Rest)
	c.Rest = c.Rest[len(h.Incarnation):]
	copy(h.Seed[:], c.Rest)
	c.Rest = c.Rest[len(h.Seed):]
	h.Generation, h.Seq, h.PurgeSeq = c.Uvarint(), couch.Seq(c.Uvarint()), c.Uvarint()
	h.Kept = c.Byte() == 1
	h.Bytes = int64(c.Uvarint())
	if c.Byte() == 1 {
		h.Load = &load{Seq: couch.Seq(c.Uvarint()), Docs: int64(c.Uvarint()), After: couch.DocID(c.Bytes())}
	}
	for range views {
		v := viewHead{Rows: int64(c.Uvarint()), Changed: c.Uvarint()}
		if v.Root.Height = int(c.Byte()); v.Root.Height > redtree.MaxHeight {
			c.Bad = true
		}
		v.Root.Summary = c.Summary()
		h.Views = append(h.Views, v)
	}
	if c.Bad || len(c.Rest) > 0 {
		return nil, corrupt("head of an index")
	}
	return h, nil
}

// readHead reads the head of an index; a new index has an empty one.
func readHead(ctx context.Context, r kv.Reader, views int) (*head, error) {
	rows, err := r.GetMulti(ctx, headKey())
	if err != nil {
		return nil, err
	}
	if rows[0] == nil {
		return &head{Views: make([]viewHead, views)}, nil
	}
	return decodeHead(rows[0], views)
}

func corrupt(what string) error {
	return couch.Errorf(couch.Corrupt, "Stored data is damaged: %s", what)
}
