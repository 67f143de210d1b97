package documents_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"settle/server/documents"
)

func TestParseRanges(t *testing.T) {
	one := func(first, last int64) [][2]int64 { return [][2]int64{{first, last}} }
	for _, c := range []struct {
		header string
		size   int64
		want   [][2]int64
		bad    bool
	}{
		{header: "", size: 20},
		{header: "bytes=0-4", size: 20, want: one(0, 4)},
		{header: "bytes=5-", size: 20, want: one(5, 19)},
		{header: "bytes=5", size: 20, want: one(5, 19)},
		{header: "bytes=-3", size: 20, want: one(17, 19)},
		{header: "bytes=-100", size: 20, want: one(1, 19)},
		{header: "bytes=-20", size: 20, want: one(1, 19)},
		{header: "bytes=10-100", size: 20, want: one(10, 19)},
		{header: "bytes=0-1, -2,", size: 20, want: [][2]int64{{0, 1}, {18, 19}}},
		{header: "bytes=0-", size: 20},
		{header: "bytes=3-4,0-", size: 20},
		{header: "bytes=1-1,1-1,1-1,1-1,1-1,1-1,1-1,1-1,1-1,1-1", size: 20},
		{header: "bytes=", size: 20},
		{header: "bytes=,", size: 20},
		{header: "bytes=-", size: 20},
		{header: "bytes=--1", size: 20},
		{header: "bytes=+1-3", size: 20, want: one(1, 3)},
		{header: "bytes=1-+3", size: 20, want: one(1, 3)},
		{header: "bytes=-+3", size: 20, want: one(17, 19)},
		{header: "bytes=+0-", size: 20},
		{header: "bytes=++1-2", size: 20},
		{header: "bytes=+-1", size: 20},
		{header: "bytes=0-18446744073709551616", size: 20, want: one(0, 19)},
		{header: "bytes=-99999999999999999999", size: 20, want: one(1, 19)},
		{header: "bytes=--99999999999999999999", size: 20},
		{header: "bytes=1-2-3", size: 20},
		{header: "bytes=1 - 2", size: 20},
		{header: "bytes=99999999999999999999-", size: 20, bad: true},
		{header: "chars=0-4", size: 20},
		{header: "bytes=20-", size: 20, bad: true},
		{header: "bytes=5-2", size: 20, bad: true},
		{header: "bytes=-0", size: 20, bad: true},
		{header: "bytes=0-0", size: 0, bad: true},
		{header: "bytes=-1", size: 0, bad: true},
	} {
		got, err := documents.ParseRanges(c.header, c.size)
		if (err != nil) != c.bad {
			t.Errorf("%q of %d: error %v", c.header, c.size, err)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%q of %d:\n%s", c.header, c.size, diff)
		}
	}
}

// Whatever a header says, what is answered lies within the content.
func FuzzParseRanges(f *testing.F) {
	f.Add("bytes=0-4,-3,5-", int64(20))
	f.Add("bytes=-9223372036854775807", int64(0))
	f.Fuzz(func(t *testing.T, header string, size int64) {
		if size < 0 {
			return
		}
		ranges, err := documents.ParseRanges(header, size)
		if err != nil {
			return
		}
		for _, r := range ranges {
			if r[0] < 0 || r[0] > r[1] || r[1] >= size {
				t.Errorf("%q of %d: %v", header, size, r)
			}
		}
	})
}
