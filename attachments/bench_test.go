package attachments_test

import (
	"bytes"
	"fmt"
	"io"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"settle/attachments"
	"settle/storage/kv"
)

// benchEnv is on the disk.
func benchEnv(b *testing.B, smallMax int) *env {
	b.Chdir(b.TempDir())
	return openEnv(b, vfs.Default, newKey(b, partition), smallMax)
}

var benchSizes = []struct {
	name string
	size int
}{{"10kB", 10_000}, {"1MB", 1_000_000}, {"100MB", 100_000_000}}

func BenchmarkIn(b *testing.B) {
	for _, bs := range benchSizes {
		b.Run(bs.name, func(b *testing.B) {
			e := benchEnv(b, 0)
			content := noise(bs.size, 1)
			b.SetBytes(int64(bs.size))
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				e.store.DropDatabase(partition)
				b.StartTimer()
				e.put(content)
			}
		})
	}
}

func BenchmarkOut(b *testing.B) {
	for _, bs := range benchSizes {
		b.Run(bs.name, func(b *testing.B) {
			e := benchEnv(b, 0)
			id := e.put(noise(bs.size, 1))
			b.SetBytes(int64(bs.size))
			b.ReportAllocs()
			for b.Loop() {
				blob, err := e.load(id)
				must(b, err)
				r, err := blob.Reader(0, -1)
				must(b, err)
				_, err = io.Copy(io.Discard, r)
				must(b, err)
				must(b, r.Close())
			}
		})
	}
}

// BenchmarkSmallMax compares a content in its record with one in a file, each
// with its commit. Files go to directories that are there already.
func BenchmarkSmallMax(b *testing.B) {
	for _, kilo := range []int{4, 16, 32, 64, 128} {
		for _, kind := range []struct {
			name     string
			smallMax int
		}{{"row", 1 << 20}, {"file", -1}} {
			for _, batch := range []int{1, 10} {
				b.Run(fmt.Sprintf("%dkB/%s/x%d", kilo, kind.name, batch), func(b *testing.B) {
					e := benchEnv(b, kind.smallMax)
					content := noise(kilo<<10, 1)
					b.SetBytes(int64(len(content) * batch))
					for b.Loop() {
						var pending []*attachments.Pending
						for range batch {
							p, err := e.blobs.Write(b.Context(), bytes.NewReader(content), 0)
							must(b, err)
							pending = append(pending, p)
						}
						e.update(func(tx kv.Tx) {
							for _, p := range pending {
								p.Commit(tx)
							}
						})
						for _, p := range pending {
							p.Committed()
						}
					}
				})
			}
		}
	}
}
