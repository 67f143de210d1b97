package documents

import (
	"errors"
	"strconv"
	"strings"

	"settle/storage/couch"
)

// maxRanges is how many ranges of an attachment are answered one by one;
// for more of them CouchDB sends the whole.
const maxRanges = 9

// byteRange is a part of an attachment, from its first byte to its last, counted
// from 0, both included.
type byteRange struct{ first, last int64 }

func (b byteRange) length() int64 { return b.last - b.first + 1 }

// contentRange is what the Content-Range header says of the part.
func (b byteRange) contentRange(size int64) string {
	return "bytes " + strconv.FormatInt(b.first, 10) + "-" + strconv.FormatInt(b.last, 10) +
		"/" + strconv.FormatInt(size, 10)
}

// parseRanges reads a Range header for a content of size bytes. No range means
// the whole: where there is no header, or none that can be understood, where one
// of the ranges is "0-", or there are more than maxRanges.
//
// As in CouchDB a suffix as long as the content or longer ("-100" of 20 bytes)
// begins at the second byte. The error is a RangeNotSatisfiable.
func parseRanges(header string, size int64) ([]byteRange, error) {
	asked, ok := rangeSpecs(header)
	if !ok {
		return nil, nil
	}
	var ranges []byteRange
	for _, spec := range asked {
		if spec.first == 0 && spec.last < 0 {
			return nil, nil
		}
		r := spec.within(size)
		if r.first >= size || r.first > r.last {
			return nil, &couch.Error{Kind: couch.RangeNotSatisfiable}
		}
		ranges = append(ranges, r)
	}
	if len(ranges) > maxRanges {
		return nil, nil
	}
	return ranges, nil
}

// rangeSpec is one range as asked for. A missing number is -1: without first it
// is the suffix of last bytes, without last it reaches to the end.
type rangeSpec struct{ first, last int64 }

func (s rangeSpec) within(size int64) byteRange {
	if s.first < 0 {
		return byteRange{size - min(s.last, size-1), size - 1}
	}
	if s.last < 0 || s.last >= size {
		return byteRange{s.first, size - 1}
	}
	return byteRange(s)
}

// rangeSpecs reads the ranges of a header "bytes=0-4,-3"; ok is false where it is
// something else, or has none.
func rangeSpecs(header string) (specs []rangeSpec, ok bool) {
	list, ok := strings.CutPrefix(header, "bytes=")
	if !ok {
		return nil, false
	}
	for item := range strings.SplitSeq(list, ",") {
		if item = strings.TrimSpace(item); item == "" {
			continue
		}
		from, to, _ := strings.Cut(item, "-")
		first, ok1 := rangeNumber(from)
		last, ok2 := rangeNumber(to)
		if !ok1 || !ok2 || first < 0 && last < 0 {
			return nil, false
		}
		specs = append(specs, rangeSpec{first, last})
	}
	return specs, len(specs) > 0
}

// rangeNumber reads one number of a range, -1 where it is left out.
func rangeNumber(s string) (n int64, ok bool) {
	if s == "" {
		return -1, true
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if errors.Is(err, strconv.ErrRange) {
		err = nil // n is the number that comes nearest
	}
	return n, err == nil && n >= 0
}
