package collate

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"math"
	"math/big"
	"strconv"
)

// maxNumber is the length of the longest number that is understood.
const maxNumber = 1024

// number is a number's exact value.
type number struct {
	floor float64 // the greatest double that is not above it; never -0
	rest  []byte  // what is missing, a whole number, big-endian and without leading zeros
}

// parseNumber reads a number.
func parseNumber(text []byte) (number, bool) {
	fraction, ok := grammar(text)
	if !ok {
		return number{}, false
	}
	if fraction {
		f, err := strconv.ParseFloat(string(text), 64)
		return number{floor: f + 0}, err == nil // -0 + 0 is 0
	}
	if len(text) <= 18 {
		if n, err := strconv.ParseInt(string(text), 10, 64); err == nil && n > -1<<53 && n < 1<<53 {
			return number{floor: float64(n)}, true
		}
	}
	return bigNumber(text)
}

// bigNumber reads an integer that may not be a double.
func bigNumber(text []byte) (number, bool) {
	n, ok := new(big.Int).SetString(string(text), 10)
	if !ok {
		return number{}, false
	}
	f, accuracy := new(big.Float).SetInt(n).Float64()
	if math.IsInf(f, 0) {
		return number{}, false
	}
	if accuracy == big.Above {
		f = math.Nextafter(f, math.Inf(-1))
	}
	if math.IsInf(f, 0) {
		return number{}, false
	}
	below, _ := new(big.Float).SetFloat64(f).Int(nil)
	return number{floor: f, rest: n.Sub(n, below).Bytes()}, true
}

// grammar checks that text is a JSON number, and says whether it has a fraction
// or an exponent.
func grammar(text []byte) (fraction, ok bool) {
	rest := bytes.TrimPrefix(text, []byte("-"))
	whole := digits(rest)
	if whole == 0 || whole > 1 && rest[0] == '0' || len(text) > maxNumber {
		return false, false
	}
	rest = rest[whole:]
	fraction = len(rest) > 0
	if fraction && rest[0] == '.' {
		n := digits(rest[1:])
		if n == 0 {
			return false, false
		}
		rest = rest[1+n:]
	}
	if len(rest) == 0 {
		return fraction, true
	}
	if rest[0]|0x20 != 'e' {
		return false, false
	}
	if rest = rest[1:]; len(rest) > 0 && (rest[0] == '+' || rest[0] == '-') {
		rest = rest[1:]
	}
	return true, len(rest) > 0 && digits(rest) == len(rest)
}

func digits(s []byte) int {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n
}

// appendKey appends the number in a form that sorts. The rest is less than the
// distance between two doubles, which has at most 971 bits.
func (n number) appendKey(dst []byte) []byte {
	bits := math.Float64bits(n.floor)
	if n.floor < 0 {
		bits = ^bits
	} else {
		bits |= 1 << 63
	}
	dst = binary.BigEndian.AppendUint64(dst, bits)
	return append(append(dst, byte(len(n.rest))), n.rest...)
}

func (n number) compare(m number) int {
	if c := cmp.Compare(n.floor, m.floor); c != 0 {
		return c
	}
	if c := cmp.Compare(len(n.rest), len(m.rest)); c != 0 {
		return c
	}
	return bytes.Compare(n.rest, m.rest)
}
