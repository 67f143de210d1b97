package collate

import (
	"bytes"
	"encoding/binary"
	"sync"

	"golang.org/x/text/collate"
	"golang.org/x/text/language"

	"settle/storage/collate/jsonscan"
)

// The weights that nearly all characters have; on their levels there are no lower
// ones, so that a level can go without those at its end.
const (
	commonSecondary = 0x20
	commonTertiary  = 0x02
)

// ascii holds the weights of the printable ASCII characters. None of them has a
// secondary weight but the common one, nor forms a contraction with others.
type ascii [0x7f]struct {
	primary  uint16
	tertiary byte
}

var asciiWeights = sync.OnceValue(func() *ascii {
	var table ascii
	w := weighers.Get().(*weigher)
	defer w.release()
	for c := byte(' '); c < 0x7f; c++ {
		levels := splitLevels(w.key([]byte{c}))
		table[c].primary = binary.BigEndian.Uint16(levels[0])
		table[c].tertiary = levels[2][0]
	}
	return &table
})

// isPlain reports whether the string is of printable ASCII, without escapes.
func isPlain(raw []byte) bool {
	for _, c := range raw {
		if c < ' ' || c >= 0x7f || c == '\\' {
			return false
		}
	}
	return true
}

// appendTextKey appends the weights of the string whose text between the quotes
// is raw.
func appendTextKey(dst, raw []byte) ([]byte, bool) {
	if isPlain(raw) {
		return asciiWeights().appendKey(dst, raw), true
	}
	w := weighers.Get().(*weigher)
	defer w.release()
	var ok bool
	if w.plain, ok = jsonscan.Unescape(w.plain[:0], raw); !ok {
		return dst, false
	}
	levels := splitLevels(w.key(w.plain))
	dst = appendPrimaries(dst, levels[0])
	dst = append(dst, trimCommon(levels[1], 0, commonSecondary)...)
	dst = append(dst, 0, 0)
	dst = append(dst, trimCommon(levels[2], commonTertiary)...)
	return append(dst, 0), true
}

func (a *ascii) appendKey(dst, raw []byte) []byte {
	last := 0 // behind the last tertiary weight that is not common
	for i, c := range raw {
		dst = binary.BigEndian.AppendUint16(dst, a[c].primary)
		if a[c].tertiary != commonTertiary {
			last = i + 1
		}
	}
	dst = append(dst, 0, 0, 0, 0)
	for _, c := range raw[:last] {
		dst = append(dst, a[c].tertiary)
	}
	return append(dst, 0)
}

// compare is bytes.Compare of the keys of two plain strings.
func (a *ascii) compare(x, y []byte) int {
	n := min(len(x), len(y))
	for i := range n {
		if p, q := a[x[i]].primary, a[y[i]].primary; p != q {
			return int(p) - int(q)
		}
	}
	if len(x) != len(y) {
		return len(x) - len(y)
	}
	for i := range n {
		if p, q := a[x[i]].tertiary, a[y[i]].tertiary; p != q {
			return int(p) - int(q)
		}
	}
	return 0
}

// compareText compares two strings by collation.
func compareText(x, y []byte) int {
	switch {
	case bytes.Equal(x, y):
		return 0
	case isPlain(x) && isPlain(y):
		return asciiWeights().compare(x, y)
	}
	w := weighers.Get().(*weigher)
	defer w.release()
	w.a, _ = appendTextKey(w.a[:0], x)
	w.b, _ = appendTextKey(w.b[:0], y)
	return bytes.Compare(w.a, w.b)
}

// weigher looks weights up. It is not for concurrent use.
type weigher struct {
	collator *collate.Collator
	buffer   collate.Buffer
	plain    []byte // a string without its escapes
	a, b     []byte // keys
	longest  int    // of the strings that it has weighed
}

var weighers = sync.Pool{New: func() any { return &weigher{collator: collate.New(language.Und)} }}

// maxKept is the length of the longest string whose memory is kept for the next.
const maxKept = 64 << 10

// release gives the weigher back.
func (w *weigher) release() {
	if w.longest <= maxKept {
		weighers.Put(w)
	}
}

// key returns the weights of a string as x/text has them: the primary weights, of
// two bytes, or three where the first bit is set; two zero bytes; the secondary
// ones, of two bytes; two zero bytes; the tertiary ones, of one byte.
func (w *weigher) key(s []byte) []byte {
	w.longest = max(w.longest, len(s))
	w.buffer.Reset()
	return w.collator.Key(&w.buffer, s)
}

// splitLevels returns the three levels of a key of x/text, the first with the
// zeros that end it.
func splitLevels(key []byte) (levels [3][]byte) {
	end := 0
	for key[end] != 0 || key[end+1] != 0 {
		end += 2 + int(key[end]>>7)
	}
	levels[0], key = key[:end+2], key[end+2:]
	end = 0
	for key[end] != 0 || key[end+1] != 0 {
		end += 2
	}
	levels[1], levels[2] = key[:end], key[end+2:]
	return levels
}

// trimCommon cuts a level's common weights off at its end.
func trimCommon(level []byte, common ...byte) []byte {
	for bytes.HasSuffix(level, common) {
		level = level[:len(level)-len(common)]
	}
	return level
}
