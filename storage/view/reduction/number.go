package reduction

import (
	"bytes"
	"cmp"
	"math"
	"math/big"
	"strconv"

	"settle/storage/docjson"
)

// number is one of Erlang's: an integer of any size, or a double.
type number struct {
	isFloat bool
	float   float64
	small   int64    // of an integer, where big is nil
	big     *big.Int // never changed
}

func integer(n int64) number { return number{small: n} }

// parseNumber reads a JSON number. ok is false for what is none, or is beyond a
// double's range.
func parseNumber(text []byte) (n number, ok bool) {
	if bytes.ContainsAny(text, ".eE") {
		f, err := strconv.ParseFloat(string(text), 64)
		return number{isFloat: true, float: f}, err == nil && isFinite(f)
	}
	if i, err := strconv.ParseInt(string(text), 10, 64); err == nil {
		return integer(i), true
	}
	b, ok := new(big.Int).SetString(string(text), 10)
	return number{big: b}, ok
}

func isFinite(f float64) bool { return !math.IsInf(f, 0) && !math.IsNaN(f) }

func (n number) bigInt() *big.Int {
	if n.big != nil {
		return n.big
	}
	return big.NewInt(n.small)
}

func (n number) float64() float64 {
	switch {
	case n.isFloat:
		return n.float
	case n.big == nil:
		return float64(n.small)
	}
	f, _ := new(big.Float).SetInt(n.big).Float64()
	return f
}

// bigNumber returns an integer in its shortest form.
func bigNumber(b *big.Int) number {
	if b.IsInt64() {
		return integer(b.Int64())
	}
	return number{big: b}
}

// add returns the sum; ok is false where it is beyond a double's range.
func (n number) add(m number) (sum number, ok bool) {
	if n.isFloat || m.isFloat {
		f := n.float64() + m.float64()
		return number{isFloat: true, float: f}, isFinite(f)
	}
	if n.big == nil && m.big == nil {
		if s := n.small + m.small; (s > n.small) == (m.small > 0) {
			return integer(s), true
		}
	}
	return bigNumber(new(big.Int).Add(n.bigInt(), m.bigInt())), true
}

// square returns n times n; ok is false where it is beyond a double's range.
func (n number) square() (_ number, ok bool) {
	if n.isFloat {
		f := n.float * n.float
		return number{isFloat: true, float: f}, isFinite(f)
	}
	if n.big == nil && n.small > -1<<31 && n.small < 1<<31 {
		return integer(n.small * n.small), true
	}
	b := n.bigInt()
	return bigNumber(new(big.Int).Mul(b, b)), true
}

// compare orders numbers by their exact values.
func (n number) compare(m number) int {
	switch {
	case n.isFloat && m.isFloat:
		return cmp.Compare(n.float, m.float)
	case !n.isFloat && !m.isFloat && n.big == nil && m.big == nil:
		return cmp.Compare(n.small, m.small)
	}
	return n.exact().Cmp(m.exact())
}

func (n number) exact() *big.Float {
	if n.isFloat {
		return big.NewFloat(n.float)
	}
	return new(big.Float).SetInt(n.bigInt())
}

// append appends the number as CouchDB prints it.
func (n number) append(dst []byte) []byte {
	switch {
	case n.isFloat:
		return docjson.AppendFloat(dst, n.float)
	case n.big == nil:
		return strconv.AppendInt(dst, n.small, 10)
	}
	return n.big.Append(dst, 10)
}
