package schema

import (
	"encoding/binary"

	"settle/storage/couch"
)

// decoder reads a row front to back. After the first short or bad field every
// later one is zero, and bad stays true.
type decoder struct {
	b   []byte
	bad bool
}

func (d *decoder) uvarint() uint64 {
	n, size := binary.Uvarint(d.b)
	d.skip(size)
	return n
}

func (d *decoder) varint() int64 {
	n, size := binary.Varint(d.b)
	d.skip(size)
	return n
}

// skip goes behind a number of so many bytes, which was none where size is not
// positive.
func (d *decoder) skip(size int) {
	if size <= 0 {
		d.bad, d.b = true, nil
		return
	}
	d.b = d.b[size:]
}

func (d *decoder) byte() byte {
	b := d.take(1)
	if len(b) == 0 {
		return 0
	}
	return b[0]
}

func (d *decoder) take(n uint64) []byte {
	if n > uint64(len(d.b)) {
		d.bad, d.b = true, nil
		return nil
	}
	b := d.b[:n]
	d.b = d.b[n:]
	return b
}

func (d *decoder) bytes() []byte { return d.take(d.uvarint()) }

func (d *decoder) string() string { return string(d.bytes()) }

func (d *decoder) rev() couch.RevID {
	gen := d.uvarint()
	return couch.RevID{Gen: gen, Hash: d.string()}
}

// version consumes the row's first byte, which must be want.
func (d *decoder) version(want byte) {
	if d.byte() != want {
		d.bad = true
	}
}

// versionUpTo consumes the row's first byte, which must be from 1 to newest.
func (d *decoder) versionUpTo(newest byte) byte {
	v := d.byte()
	if v < 1 || v > newest {
		d.bad = true
	}
	return v
}

func appendBytes[T string | []byte | couch.DocID](dst []byte, s T) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(s)))
	return append(dst, s...)
}

func appendRevID(dst []byte, rev couch.RevID) []byte {
	dst = binary.AppendUvarint(dst, rev.Gen)
	return appendBytes(dst, rev.Hash)
}
