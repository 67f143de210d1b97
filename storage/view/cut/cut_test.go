package cut_test

import (
	"testing"

	"settle/storage/view/cut"
	"settle/storage/view/redtree"
)

// What is missing is zero, and so is all that is read behind it.
func TestMissing(t *testing.T) {
	summary := redtree.Summary{Rows: 3}.Append(nil)
	for _, test := range []struct {
		name string
		in   []byte
		read func(*cut.Cutter) bool // whether what was read is there
		want bool
	}{
		{"byte", []byte{7, 1}, func(c *cut.Cutter) bool { return c.Byte() == 7 }, true},
		{"no byte", nil, func(c *cut.Cutter) bool { return c.Byte() != 0 }, false},
		{"number", []byte{0x80, 1, 1}, func(c *cut.Cutter) bool { return c.Uvarint() == 128 }, true},
		{"half a number", []byte{0x80}, func(c *cut.Cutter) bool { return c.Uvarint() != 0 }, false},
		{"bytes", []byte{2, 'a', 'b', 1}, func(c *cut.Cutter) bool { return string(c.Bytes()) == "ab" }, true},
		{"too few bytes", []byte{3, 'a', 'b'}, func(c *cut.Cutter) bool { return c.Bytes() != nil }, false},
		{"summary", append(summary, 1), func(c *cut.Cutter) bool { return c.Summary().Rows == 3 }, true},
		{"no summary", []byte{99}, func(c *cut.Cutter) bool { return c.Summary().Rows != 0 }, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := cut.Cutter{Rest: test.in}
			if got := test.read(&c); got != test.want || c.Bad == test.want {
				t.Fatalf("there: %v, bad: %v", got, c.Bad)
			}
			if last := c.Byte(); (last == 1) != test.want {
				t.Errorf("behind it %d", last)
			}
		})
	}
}
