// Package cut reads stored values from their beginning.
package cut

import (
	"encoding/binary"

	"settle/storage/view/redtree"
)

// Cutter reads a value. Once something is missing it is bad and reads zeros. What it
// returns shares the value's memory.
type Cutter struct {
	Rest []byte // what is not read yet
	Bad  bool
}

func (c *Cutter) fail() { c.Bad, c.Rest = true, nil }

// Byte reads one byte.
func (c *Cutter) Byte() byte {
	if len(c.Rest) == 0 {
		c.fail()
		return 0
	}
	b := c.Rest[0]
	c.Rest = c.Rest[1:]
	return b
}

// Uvarint reads a number.
func (c *Cutter) Uvarint() uint64 {
	v, n := binary.Uvarint(c.Rest)
	if n <= 0 {
		c.fail()
		return 0
	}
	c.Rest = c.Rest[n:]
	return v
}

// Bytes reads a number, and so many bytes.
func (c *Cutter) Bytes() []byte {
	n := c.Uvarint()
	if n > uint64(len(c.Rest)) {
		c.fail()
		return nil
	}
	b := c.Rest[:n:n]
	c.Rest = c.Rest[n:]
	return b
}

// Summary reads a summary.
func (c *Cutter) Summary() redtree.Summary {
	s, rest, err := redtree.CutSummary(c.Rest)
	if err != nil {
		c.fail()
		return redtree.Summary{}
	}
	c.Rest = rest
	return s
}
