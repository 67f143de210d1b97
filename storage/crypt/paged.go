package crypt

import (
	"encoding/binary"
	"fmt"
)

// pageSize is the size on disk of every page but the last, which may be shorter.
const pageSize = 4096

// pagePayload is the number of content bytes in a full page.
func (c *fileCipher) pagePayload() int { return pageSize - c.overhead() }

// pageAAD binds a page to its place, and the last one to being last, so that a
// file cut between two pages does not open.
func pageAAD(index uint64, last bool) [9]byte {
	var aad [9]byte
	binary.BigEndian.PutUint64(aad[:], index)
	if last {
		aad[8] = 1
	}
	return aad
}

// contentSize returns how many content bytes a paged file of the given size on
// disk holds. An empty file has no header either.
func (c *fileCipher) contentSize(onDisk int64) (int64, error) {
	body := onDisk - headerSize
	full, rest := body/pageSize, body%pageSize
	size := full * int64(c.pagePayload())
	if rest > 0 {
		rest -= int64(c.overhead())
		size += rest
		if rest <= 0 {
			size = 0
		}
	}
	if body <= 0 || size <= 0 {
		return 0, fmt.Errorf("%w: no file has %d bytes", ErrDamaged, onDisk)
	}
	return size, nil
}

// diskOffset maps an offset in the contents to about where it lies on disk: for
// hints about what will be read or written.
func (c *fileCipher) diskOffset(offset int64) int64 {
	return headerSize + offset/int64(c.pagePayload())*pageSize
}
