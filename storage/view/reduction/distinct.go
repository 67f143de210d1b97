package reduction

import (
	"bytes"
	"context"
	"crypto/sha1"
	"encoding/binary"
	"math"
	"math/bits"
	"slices"
	"strconv"
)

// distinct is _approx_count_distinct: HyperLogLog over the keys, with 2^11
// registers, each the greatest rank of the hashes that fall to it. A key's hash is
// the SHA-1 of its external term, as in couch_hyper: its first 11 bits choose the
// register, the leading zeros of the next 53, and one, are its rank.
//
// The state is a one and the registers that are not 0, ascending, each in 3 bytes:
// the number, big-endian, and the rank; or a two and all the ranks.
type distinct struct{}

const (
	precision = 11
	registers = 1 << precision
	rankBits  = 64 - precision

	sparseState = 1
	denseState  = 2
	maxSparse   = registers / 3
)

// Reduce implements Reducer.
func (distinct) Reduce(_ context.Context, rows []Row) ([]byte, error) {
	var s sketch
	var term []byte
	for _, row := range rows {
		term = appendTerm(append(term[:0], termVersion), parse(row.Key))
		s.insert(term)
	}
	return s.encode(), nil
}

// Combine implements Reducer.
func (distinct) Combine(_ context.Context, states [][]byte) ([]byte, error) {
	var s sketch
	for _, state := range states {
		if !s.merge(state) {
			return nil, corrupt("sketch")
		}
	}
	return s.encode(), nil
}

// Finish implements Reducer.
func (distinct) Finish(_ context.Context, state []byte) (Result, error) {
	var s sketch
	if !s.merge(state) {
		return Result{}, corrupt("sketch")
	}
	return Result{Value: strconv.AppendInt(nil, int64(math.Round(s.estimate())), 10)}, nil
}

// sketch holds the registers' ranks, by number.
type sketch [registers]byte

func (s *sketch) insert(term []byte) {
	sum := sha1.Sum(term)
	hash := binary.BigEndian.Uint64(sum[:])
	s.raise(int(hash>>rankBits), byte(min(bits.LeadingZeros64(hash<<precision), rankBits)+1))
}

func (s *sketch) raise(register int, rank byte) {
	s[register] = max(s[register], rank)
}

func (s *sketch) encode() []byte {
	used := registers - bytes.Count(s[:], []byte{0})
	if used > maxSparse {
		return slices.Concat([]byte{denseState}, s[:])
	}
	out := append(make([]byte, 0, 1+3*used), sparseState)
	for i, rank := range s {
		if rank > 0 {
			out = append(out, byte(i>>8), byte(i), rank)
		}
	}
	return out
}

// merge takes in a state, and reports whether it is one.
func (s *sketch) merge(state []byte) bool {
	switch {
	case len(state) == 1+registers && state[0] == denseState:
		if slices.Max(state[1:]) > rankBits+1 {
			return false
		}
		for i, rank := range state[1:] {
			s.raise(i, rank)
		}
	case len(state) > 0 && len(state)%3 == 1 && state[0] == sparseState:
		for entry := range slices.Chunk(state[1:], 3) {
			register := int(entry[0])<<8 | int(entry[1])
			if register >= registers || entry[2] > rankBits+1 {
				return false
			}
			s.raise(register, entry[2])
		}
	default:
		return false
	}
	return true
}

// linearLimit is up to where counting the empty registers is the better estimate
// (Heule, Nunkesser, Hall: HyperLogLog in Practice).
const linearLimit = 1800

// estimate returns how many keys were inserted. CouchDB corrects the estimate of
// medium numbers by a table; here it is Ertl's estimator, which needs none (New
// cardinality estimation algorithms for HyperLogLog sketches, algorithm 6).
func (s *sketch) estimate() float64 {
	var counts [rankBits + 2]float64
	for _, rank := range s {
		counts[rank]++
	}
	const m = float64(registers)
	if counts[0] > 0 {
		if linear := m * math.Log(m/counts[0]); linear <= linearLimit {
			return linear
		}
	}
	z := m * tau(1-counts[rankBits+1]/m)
	for k := rankBits; k >= 1; k-- {
		z = (z + counts[k]) / 2
	}
	z += m * sigma(counts[0]/m)
	return m * m / (2 * math.Ln2 * z)
}

// sigma is x + sum of x^(2^k) * 2^(k-1).
func sigma(x float64) float64 {
	if x == 1 {
		return math.Inf(1)
	}
	z, y := x, 1.0
	for {
		before := z
		x *= x
		z += x * y
		y += y
		if z == before {
			return z
		}
	}
}

// tau is (1 - x - sum of (1-x^(2^-k))^2 * 2^-k) / 3.
func tau(x float64) float64 {
	if x == 0 || x == 1 {
		return 0
	}
	z, y := 1-x, 1.0
	for {
		before := z
		x = math.Sqrt(x)
		y /= 2
		z -= (1 - x) * (1 - x) * y
		if z == before {
			return z / 3
		}
	}
}
