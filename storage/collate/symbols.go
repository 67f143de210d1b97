package collate

import (
	"encoding/binary"
	"sync"
)

// x/text gives a character that its tables do not know a primary weight of three
// bytes, in which this and the code point are added up.
const implicitWeight = 0x50000

// lateSymbols are the blocks of symbols to which Unicode went on adding after the
// tables were made, each with the character before which those added stand; what
// the tables know has its own weight. (Unicode's Blocks.txt: Miscellaneous
// Technical to Miscellaneous Symbols and Arrows, Mahjong Tiles to Symbols for
// Legacy Computing, Currency Symbols.)
var lateSymbols = [...]struct {
	first, last int
	before      string
}{{0x2300, 0x2bff, "¤"}, {0x1f000, 0x1fbff, "¤"}, {0x20a0, 0x20cf, "0"}}

// lateWeights are the weights in front of which the blocks' characters stand.
var lateWeights = sync.OnceValue(func() (weights [len(lateSymbols)]uint16) {
	w := weighers.Get().(*weigher)
	defer w.release()
	for i, block := range lateSymbols {
		weights[i] = binary.BigEndian.Uint16(w.key([]byte(block.before)))
	}
	return weights
})

// appendPrimaries appends primary weights. A symbol that the tables do not know
// goes behind the other symbols of its kind: it gets the weight just below the
// next kind's, followed by a byte with which no weight begins, and the code
// point. Else new pictographs would be greater than the "\ufff0" that ends many
// ranges.
func appendPrimaries(dst, level []byte) []byte {
	for len(level) > 0 {
		n := 2 + int(level[0]>>7)
		var late bool
		if n == 3 {
			dst, late = appendLate(dst, level[:n])
		}
		if !late {
			dst = append(dst, level[:n]...)
		}
		level = level[n:]
	}
	return dst
}

// appendLate appends the weight of a late symbol, instead of the one of three
// bytes that x/text gives it.
func appendLate(dst, weight []byte) ([]byte, bool) {
	c := int(weight[0]&0x7f)<<16 | int(weight[1])<<8 | int(weight[2])
	c -= implicitWeight
	for i, block := range lateSymbols {
		if c >= block.first && c <= block.last {
			dst = binary.BigEndian.AppendUint16(dst, lateWeights()[i]-1)
			return append(dst, 0xff, byte(c>>16), byte(c>>8), byte(c)), true
		}
	}
	return dst, false
}
