package crypt

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

const (
	sectorSize = 512
	// frameHeader is sectors u32 and a checksum u32, in clear.
	frameHeader = 8
	// framePrefix is length u32 and synced u64, the sealed text's beginning.
	framePrefix = 12
	// maxFrameSectors bounds what a reader takes into memory for one frame; a
	// longer write becomes several frames.
	maxFrameSectors = 2048
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// frameChecksum covers a frame's length and place. It is no protection: it says
// cheaply that a sector is no frame's beginning.
func frameChecksum(sectors uint32, start uint64) uint32 {
	var b [12]byte
	binary.BigEndian.PutUint32(b[:], sectors)
	binary.BigEndian.PutUint64(b[4:], start)
	return crc32.Checksum(b[:], castagnoli)
}

// frameSectors returns the length in sectors that the sector at start claims
// for the frame that begins there; ok is false if no frame begins there.
func frameSectors(sector []byte, start uint64) (n uint32, ok bool) {
	n = binary.BigEndian.Uint32(sector)
	sum := binary.BigEndian.Uint32(sector[4:])
	return n, n > 0 && n <= maxFrameSectors && sum == frameChecksum(n, start)
}

func (c *fileCipher) frameOverhead() int { return frameHeader + c.overhead() + framePrefix }

// maxFramePayload is the longest payload of one frame.
func (c *fileCipher) maxFramePayload() int { return maxFrameSectors*sectorSize - c.frameOverhead() }

func frameAAD(header []byte, start uint64) [8 + frameHeader]byte {
	var aad [8 + frameHeader]byte
	binary.BigEndian.PutUint64(aad[:], start)
	copy(aad[8:], header[:frameHeader])
	return aad
}

// appendFrame appends the frame of payload that begins at sector start to dst.
// scratch is overwritten and returned, grown if need be.
func (c *fileCipher) appendFrame(dst, scratch, payload []byte, start, synced uint64) (out, newScratch []byte) {
	sectors := (c.frameOverhead() + len(payload) + sectorSize - 1) / sectorSize
	text := sectors*sectorSize - frameHeader - c.overhead()
	if cap(scratch) < text {
		scratch = make([]byte, text)
	}
	scratch = scratch[:text]
	binary.BigEndian.PutUint32(scratch, uint32(len(payload)))
	binary.BigEndian.PutUint64(scratch[4:], synced)
	clear(scratch[framePrefix+copy(scratch[framePrefix:], payload):])

	at := len(dst)
	dst = binary.BigEndian.AppendUint32(dst, uint32(sectors))
	dst = binary.BigEndian.AppendUint32(dst, frameChecksum(uint32(sectors), start))
	aad := frameAAD(dst[at:], start)
	return c.seal(dst, scratch, aad[:]), scratch
}

// openFrame opens a whole frame in its place. The payload is part of frame.
func (c *fileCipher) openFrame(frame []byte, start uint64) (payload []byte, synced uint64, err error) {
	aad := frameAAD(frame, start)
	sealed := frame[frameHeader:]
	text, err := c.open(sealed[c.aead.NonceSize():][:0], sealed, aad[:])
	if err != nil {
		return nil, 0, err
	}
	length := binary.BigEndian.Uint32(text)
	synced = binary.BigEndian.Uint64(text[4:])
	if int64(length) > int64(len(text)-framePrefix) || synced > start {
		return nil, 0, fmt.Errorf("%w: a frame contradicts itself", ErrDamaged)
	}
	return text[framePrefix:][:length], synced, nil
}
