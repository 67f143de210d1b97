package mango

import (
	"bytes"
	"math/big"
	"strconv"

	"settle/storage/collate/jsonscan"
)

// modulus is the argument of `$mod`.
type modulus struct{ divisor, remainder *big.Int }

// holds reports whether v is an integer with that remainder, whose sign is v's.
func (m *modulus) holds(v []byte) bool {
	if !isInteger(v) {
		return false
	}
	digits := bytes.TrimSpace(jsonscan.Value(v))
	if n, err := strconv.ParseInt(string(digits), 10, 64); err == nil && m.divisor.IsInt64() {
		if d := m.divisor.Int64(); d != -1 {
			return m.remainder.IsInt64() && n%d == m.remainder.Int64()
		}
	}
	n, ok := new(big.Int).SetString(string(digits), 10)
	return ok && n.Rem(n, m.divisor).Cmp(m.remainder) == 0
}
