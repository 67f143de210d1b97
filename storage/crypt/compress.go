package crypt

import (
	"fmt"
	"runtime"
	"sync"

	"github.com/klauspost/compress/zstd"
)

const (
	codecNone = 0
	codecZstd = 1

	// minCompress: what is shorter does not get smaller.
	minCompress = 64
	// zstdWindow bounds what the encoders keep in memory.
	zstdWindow = 256 << 10
)

// The encoder and the decoder have no state between values and are safe for
// concurrent use.
var (
	zstdEncoder = sync.OnceValue(func() *zstd.Encoder {
		e, err := zstd.NewWriter(nil,
			zstd.WithEncoderLevel(zstd.SpeedFastest),
			zstd.WithEncoderConcurrency(runtime.GOMAXPROCS(0)),
			zstd.WithWindowSize(zstdWindow),
			zstd.WithEncoderCRC(false), // the seal is the checksum
			zstd.WithSingleSegment(true),
			zstd.WithLowerEncoderMem(true))
		if err != nil {
			panic("crypt: zstd encoder: " + err.Error()) // the options are fixed
		}
		return e
	})
	zstdDecoder = sync.OnceValue(func() *zstd.Decoder {
		d, err := zstd.NewReader(nil,
			zstd.WithDecoderConcurrency(0),
			zstd.WithDecoderLowmem(true))
		if err != nil {
			panic("crypt: zstd decoder: " + err.Error()) // the options are fixed
		}
		return d
	})
)

// appendCompressed appends b, or what zstd makes of it if that is shorter.
func appendCompressed(dst, b []byte) (out []byte, codec byte) {
	if len(b) >= minCompress {
		if out := zstdEncoder().EncodeAll(b, dst); len(out)-len(dst) < len(b) {
			return out, codecZstd
		}
	}
	return append(dst, b...), codecNone
}

// decompress returns the length bytes that b stands for.
func decompress(codec byte, b []byte, length int) ([]byte, error) {
	switch codec {
	case codecNone:
		if len(b) == length {
			return b, nil
		}
	case codecZstd:
		var h zstd.Header
		if err := h.Decode(b); err != nil || !h.HasFCS || h.FrameContentSize != uint64(length) {
			break
		}
		out, err := zstdDecoder().DecodeAll(b, make([]byte, 0, length))
		if err == nil && len(out) == length {
			return out, nil
		}
	}
	return nil, fmt.Errorf("%w: a sealed value does not decompress to its length", ErrDamaged)
}
