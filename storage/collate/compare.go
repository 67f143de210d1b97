package collate

import (
	"bytes"

	"settle/storage/collate/jsonscan"
)

// Compare returns -1, 0 or 1 as a is less than, equal to or greater than b under
// collation. Values nested deeper than MaxDepth count as equal.
func Compare(a, b []byte) int { return compare(a, b, false) }

// CompareRaw compares by Erlang's order of terms: numbers, then false, null and
// true, objects, the empty array, other arrays, and strings byte by byte.
func CompareRaw(a, b []byte) int { return compare(a, b, true) }

var rawRanks = [...]int{
	jsonscan.Number: 1, jsonscan.False: 2, jsonscan.Null: 3, jsonscan.True: 4,
	jsonscan.Object: 5, jsonscan.Array: 7, jsonscan.String: 8,
}

func rawRank(s *jsonscan.Scanner) int {
	kind := s.Kind()
	if kind == jsonscan.Array {
		inside := *s
		inside.Open()
		if _, more, _ := inside.Next(kind, true); !more {
			return 6
		}
	}
	return rawRanks[kind]
}

func compareBytes(a, b []byte) int {
	if bytes.IndexByte(a, '\\') < 0 && bytes.IndexByte(b, '\\') < 0 {
		return bytes.Compare(a, b)
	}
	a, _ = jsonscan.Unescape(nil, a)
	b, _ = jsonscan.Unescape(nil, b)
	return bytes.Compare(a, b)
}

func compare(a, b []byte, raw bool) int {
	c := comparer{a: jsonscan.New(a), b: jsonscan.New(b), raw: raw}
	switch d := c.values(0); {
	case d < 0:
		return -1
	case d > 0:
		return 1
	}
	return 0
}

// comparer walks two texts side by side, as far as they are equal.
type comparer struct {
	a, b jsonscan.Scanner
	raw  bool // CompareRaw's order
}

func (c *comparer) ranks() int {
	if c.raw {
		return rawRank(&c.a) - rawRank(&c.b)
	}
	return int(c.a.Kind()) - int(c.b.Kind())
}

// texts compares strings, as they stand between the quotes.
func (c *comparer) texts(x, y []byte) int {
	if c.raw {
		return compareBytes(x, y)
	}
	return compareText(x, y)
}

func (c *comparer) values(depth int) int {
	if d := c.ranks(); d != 0 {
		return d
	}
	switch kind := c.a.Kind(); kind {
	case jsonscan.Number:
		return compareNumbers(c.a.Number(), c.b.Number())
	case jsonscan.String:
		x, _ := c.a.String()
		y, _ := c.b.String()
		return c.texts(x, y)
	case jsonscan.Array, jsonscan.Object:
		if depth == MaxDepth {
			return 0
		}
		return c.nested(kind, depth)
	}
	c.a.Literal()
	c.b.Literal()
	return 0
}

func (c *comparer) nested(kind jsonscan.Kind, depth int) int {
	c.a.Open()
	c.b.Open()
	for first := true; ; first = false {
		x, moreA, _ := c.a.Next(kind, first)
		y, moreB, _ := c.b.Next(kind, first)
		switch {
		case !moreA && !moreB:
			return 0
		case !moreA:
			return -1
		case !moreB:
			return 1
		}
		if kind == jsonscan.Object {
			if d := c.texts(x, y); d != 0 {
				return d
			}
		}
		if d := c.values(depth + 1); d != 0 {
			return d
		}
	}
}

func compareNumbers(a, b []byte) int {
	if bytes.Equal(a, b) {
		return 0
	}
	x, _ := parseNumber(a)
	y, _ := parseNumber(b)
	return x.compare(y)
}
