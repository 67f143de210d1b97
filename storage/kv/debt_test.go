package kv_test

import (
	"testing"

	"settle/storage/kv"
)

func TestLargestMerge(t *testing.T) {
	const mb = 1 << 20
	for _, test := range []struct {
		name   string
		levels [7]uint64
		want   uint64
	}{
		{"an empty store", [7]uint64{}, 0},
		{"the newest tables alone", [7]uint64{0: 20 * mb}, 20 * mb},
		{"into the last level", [7]uint64{0: 5 * mb, 6: 10 * mb}, 15 * mb},
		{"into a new level above a grown one", [7]uint64{0: 20 * mb, 6: 900 * mb}, 32 * mb},
		{"into the first of two levels", [7]uint64{0: 20 * mb, 5: 15 * mb, 6: 100 * mb}, 35 * mb},
		{"between levels", [7]uint64{5: 15 * mb, 6: 100 * mb}, 32 * mb},
		{"between small levels", [7]uint64{5: 1 * mb, 6: 9 * mb}, 9 * mb},
	} {
		if got := kv.LargestMerge(test.levels[:], 16*mb, 2*mb); got != test.want {
			t.Errorf("%s: %d MB, want %d", test.name, got/mb, test.want/mb)
		}
	}
}
