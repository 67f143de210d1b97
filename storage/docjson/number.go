package docjson

import (
	"bytes"
	"errors"
	"io"
	"math"
	"math/big"
	"strconv"
)

// maxNumber is the length of the longest number that is read.
const maxNumber = 1024

// number is a JSON number: an integer, kept as its text, or a double.
type number struct {
	text  []byte // of an integer, valid until the next number is read
	float float64
	isInt bool
}

// readNumber reads a number.
func (r *Reader) readNumber() (number, error) {
	if err := r.numberToken(); err != nil {
		return number{}, err
	}
	n, ok := parseNumber(r.num)
	if !ok {
		return number{}, r.fail(errInvalid)
	}
	return n, nil
}

// numberToken reads into r.num all that may be part of a number.
func (r *Reader) numberToken() error {
	r.num = r.num[:0]
	for {
		i := r.pos
		for i < r.end && isNumberByte(r.buf[i]) {
			i++
		}
		r.num = append(r.num, r.buf[r.pos:i]...)
		r.pos = i
		if len(r.num) > maxNumber {
			return r.fail(errInvalid)
		}
		if i < r.end {
			return nil
		}
		if err := r.fill(); err != nil {
			if errors.Is(err, io.EOF) {
				return nil // whether the text may end here is for others to say
			}
			return r.fail(err)
		}
	}
}

func isNumberByte(c byte) bool {
	return isDigit(c) || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E'
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// parseNumber reads a whole number by JSON's grammar. It refuses those that are
// beyond a double's range.
func parseNumber(tok []byte) (number, bool) {
	rest := bytes.TrimPrefix(tok, []byte("-"))
	whole := digits(rest)
	if whole == 0 || whole > 1 && rest[0] == '0' {
		return number{}, false
	}
	rest = rest[whole:]
	fraction := 0
	if len(rest) > 0 && rest[0] == '.' {
		if fraction = digits(rest[1:]); fraction == 0 {
			return number{}, false
		}
		rest = rest[1+fraction:]
	}
	exponent := len(rest)
	if exponent > 0 && !isExponent(rest) {
		return number{}, false
	}
	switch {
	case fraction == 0 && exponent == 0:
		return integer(tok)
	case fraction == 0:
		return double(bigExponent(tok, exponent))
	}
	return double(strconv.ParseFloat(string(tok), 64))
}

func digits(s []byte) int {
	n := 0
	for n < len(s) && isDigit(s[n]) {
		n++
	}
	return n
}

func isExponent(s []byte) bool {
	if s[0] != 'e' && s[0] != 'E' {
		return false
	}
	s = s[1:]
	if len(s) > 0 && (s[0] == '+' || s[0] == '-') {
		s = s[1:]
	}
	return len(s) > 0 && digits(s) == len(s)
}

func integer(tok []byte) (number, bool) {
	if string(tok) == "-0" {
		tok = tok[1:]
	}
	if len(tok) > 308 { // a double holds every integer of 308 digits
		if f, err := strconv.ParseFloat(string(tok), 64); err != nil || math.IsInf(f, 0) {
			return number{}, false
		}
	}
	return number{text: tok, isInt: true}, true
}

func double(f float64, err error) (number, bool) {
	return number{float: f}, err == nil && !math.IsInf(f, 0) && !math.IsNaN(f)
}

// bigExponent reads a number with an exponent and no fraction. CouchDB's parser
// leaves the long ones, and those that C's strtod calls out of range, to Erlang,
// which multiplies the integer by a power of ten: 5e-324 becomes 5*0.0.
func bigExponent(tok []byte, exponent int) (float64, error) {
	const nbuf = 32 // jiffy's NUM_BUF_LEN
	f, err := strconv.ParseFloat(string(tok), 64)
	if err == nil && len(tok) < nbuf && !(math.Abs(f) < 0x1p-1022 && mantissaIsNonZero(tok)) {
		return f, nil
	}
	split := len(tok) - exponent
	m, err := strconv.ParseFloat(string(tok[:split]), 64)
	if err != nil {
		return 0, err
	}
	pow, err := strconv.ParseFloat("1e"+string(tok[split+1:]), 64)
	return m * pow, err
}

// mantissaIsNonZero reports whether a number's mantissa has a digit but 0.
func mantissaIsNonZero(tok []byte) bool {
	return bytes.ContainsAny(tok[:bytes.IndexAny(tok, "eE")], "123456789")
}

// AppendFloat appends a double as CouchDB prints it: the shortest digits that
// read back as the same double; plain from 1e-6 to below 1e21. There is no -0.0.
func AppendFloat(dst []byte, f float64) []byte {
	if f == 0 {
		return append(dst, "0.0"...)
	}
	at := len(dst)
	if abs := math.Abs(f); abs >= 1e-6 && abs < 1e21 {
		dst = strconv.AppendFloat(dst, f, 'f', -1, 64)
		if bytes.IndexByte(dst[at:], '.') < 0 {
			dst = append(dst, ".0"...)
		}
		return dst
	}
	dst = strconv.AppendFloat(dst, f, 'e', -1, 64)
	if n := len(dst); dst[n-2] == '0' && dst[n-4] == 'e' { // e-07: two digits in Go
		dst = append(dst[:n-2], dst[n-1])
	}
	return dst
}

// appendIntTerm appends an integer's external term: SMALL_INTEGER_EXT,
// INTEGER_EXT or SMALL_BIG_EXT.
func appendIntTerm(dst, text []byte) []byte {
	if len(text) < 19 {
		n, neg := int64(0), text[0] == '-'
		for _, c := range bytes.TrimPrefix(text, []byte("-")) {
			n = n*10 + int64(c-'0')
		}
		if neg {
			n = -n
		}
		switch {
		case n >= 0 && n <= 255:
			return append(dst, termSmallInt, byte(n))
		case n >= math.MinInt32 && n <= math.MaxInt32:
			return append(dst, termInt, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
		}
	}
	n, _ := new(big.Int).SetString(string(text), 10)
	sign := byte(0)
	if n.Sign() < 0 {
		sign = 1
	}
	raw := n.Bytes()
	dst = append(dst, termSmallBig, byte(len(raw)), sign)
	for i := len(raw) - 1; i >= 0; i-- {
		dst = append(dst, raw[i])
	}
	return dst
}

// floatSize is what CouchDB counts for a double against max_document_size
// (couch_ejson_size): less than its text has.
func floatSize(f float64) int64 {
	size := int64(3)
	if f < 0 {
		f, size = -f, 4
	}
	switch {
	case f == 0 || f == 1:
	case f < 1 && f <= 1e-300:
	case f < 1 && f <= 1e-100:
		size += 3
	case f < 1 && f <= 1e-10:
		size += 2
	case f < 1 && f <= 0.01:
		size++
	case f >= 1e100:
		size += 2
	case f >= 1e10:
		size++
	}
	return size
}
