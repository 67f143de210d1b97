package view_test

import (
	"bytes"
	"testing"

	"settle/storage/view"
)

func FuzzHead(f *testing.F) {
	f.Add(view.SomeHead())
	f.Add(bytes.Repeat([]byte{1}, 60))
	f.Fuzz(func(t *testing.T, data []byte) {
		again, ok := view.RecodeHead(data)
		if !ok {
			return
		}
		if third, ok := view.RecodeHead(again); !ok || !bytes.Equal(again, third) {
			t.Fatalf("%x is %x, then %x", data, again, third)
		}
	})
}
