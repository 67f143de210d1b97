package attachments_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
	"testing/iotest"

	"github.com/cockroachdb/pebble/v2/vfs"

	"settle/attachments"
	"settle/storage/couch"
	"settle/storage/crypt"
	"settle/storage/kv"
)

// The tag of a content is the same however it comes: at once, in small reads, as an
// upload in parts, as what was found equal to a stored one; and it is no other's.
func TestTag(t *testing.T) {
	for _, smallMax := range []int{0, -1} {
		e := openEnv(t, vfs.NewMem(), newKey(t, partition), smallMax)
		blobs := e.blobs.Deduplicating([]byte("h"), []byte("g"), attachments.NewDedupKey()).Uploading([]byte("u"))
		seen := map[attachments.Tag]string{}
		first := func(name string, tag attachments.Tag) {
			if other, ok := seen[tag]; ok || tag == (attachments.Tag{}) {
				t.Errorf("%s has the tag %x of %q", name, tag, other)
			}
			seen[tag] = name
		}
		for _, size := range []int{0, 1, 40_000, crypt.ChunkSize - 1, crypt.ChunkSize, crypt.ChunkSize + 1, 1<<20 - 1, 1 << 20, 1<<20 + 1, 3<<20 + 12345} {
			content := noise(size, 1)
			name := fmt.Sprintf("%d bytes", size)
			want := tagOf(t, blobs, bytes.NewReader(content))
			first(name, want)
			for how, got := range map[string]attachments.Tag{
				"in small reads": tagOf(t, blobs, iotest.HalfReader(bytes.NewReader(content))),
				"as an upload":   tagOfUpload(e, blobs, content),
				"compared":       tagOfEqual(e, blobs, content),
			} {
				if got != want {
					t.Errorf("%s have another tag %s", name, how)
				}
			}
			if size > 0 {
				content[rand.IntN(size)] ^= 1
				first(name+", one changed", tagOf(t, blobs, bytes.NewReader(content)))
			}
		}
		content := noise(2*crypt.ChunkSize, 2)
		first("two chunks", tagOf(t, blobs, bytes.NewReader(content)))
		first("in the other order", tagOf(t, blobs, io.MultiReader(bytes.NewReader(content[crypt.ChunkSize:]), bytes.NewReader(content[:crypt.ChunkSize]))))
		other := e.blobs.Deduplicating([]byte("h"), []byte("g"), attachments.NewDedupKey())
		first("under another key", tagOf(t, other, bytes.NewReader(content)))
	}
}

func tagOf(t *testing.T, blobs *attachments.Blobs, content io.Reader) attachments.Tag {
	t.Helper()
	p, err := blobs.Write(t.Context(), content, 0)
	must(t, err)
	defer p.Discard()
	return p.Tag()
}

// tagOfUpload appends content in parts, with another store's memory for each.
func tagOfUpload(e *env, blobs *attachments.Blobs, content []byte) attachments.Tag {
	e.Helper()
	u := attachments.NewUpload()
	u.Length = int64(len(content))
	save := func(u *attachments.Upload) error {
		return e.kv.Update(e.Context(), partition, func(tx kv.Tx) error { blobs.SaveUpload(tx, u); return nil })
	}
	must(e, save(u))
	for done := false; !done; done = u.Complete() {
		part := content[u.Offset:]
		part = part[:(len(part)+1)/2]
		must(e, blobs.Append(e.Context(), u, bytes.NewReader(part), save))
		must(e, e.view(e.Context(), func(rd kv.Reader) (err error) {
			u, err = blobs.LoadUpload(e.Context(), rd, u.ID)
			return err
		}))
	}
	p, err := blobs.Uploaded(u)
	must(e, err)
	return p.Tag()
}

// tagOfEqual is that of content that is found equal to a stored one.
func tagOfEqual(e *env, blobs *attachments.Blobs, content []byte) attachments.Tag {
	e.Helper()
	p, err := blobs.Write(e.Context(), bytes.NewReader(content), 0)
	must(e, err)
	like, err := loadFrom(e, blobs, e.commit(p))
	must(e, err)
	find := func(attachments.Hint) ([]*attachments.Blob, error) { return []*attachments.Blob{like}, nil }
	p, err = blobs.WriteLike(context.Background(), bytes.NewReader(content), 0, couch.Digest{}, find)
	must(e, err)
	defer p.Discard()
	return p.Tag()
}
