package attachments_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"settle/storage/couch"
	"settle/storage/crypt"
)

// Of contents that nobody finds again.
var tag, start = make([]byte, 32), make([]byte, 24)

// recordOf makes a record from its description in the package comment.
func recordOf(kind byte, length int, sum couch.Digest, rest []byte) []byte {
	row := append([]byte{3, kind}, binary.BigEndian.AppendUint64(nil, uint64(length))...)
	row = append(append(row, sum[:]...), tag...)
	return append(append(row, start...), rest...)
}

// A blob that was made from the description of the format opens, and one that
// contradicts itself is found.
func TestFormat(t *testing.T) {
	e := newEnv(t, vfs.NewMem())
	content := noise(crypt.ChunkSize+100, 1)
	for _, tc := range []struct {
		name string
		sum  couch.Digest
		ok   bool
	}{{"right", digest(content), true}, {"another digest", couch.Digest{1}, false}} {
		length := binary.BigEndian.AppendUint64(nil, uint64(len(content)))
		firstChunk := make([]byte, 8)

		small := couch.BlobID{1}
		sealed := e.key.Seal(crypt.PurposeSmallBlob, content, small[:], length, tc.sum[:], tag, start)
		e.setRow(small, recordOf(1, len(content), tc.sum, sealed))

		file, key := couch.BlobID{2}, crypt.NewBlobKey()
		wrapped := e.key.WrapBlobKey(key, file[:], length, firstChunk, tc.sum[:], tag, start)
		e.setRow(file, recordOf(2, len(content), tc.sum, append(firstChunk, wrapped...)))
		chunks := key.SealChunk(nil, 0, false, content[:crypt.ChunkSize])
		e.writeFile(e.path(file), key.SealChunk(chunks, 1, true, content[crypt.ChunkSize:]))

		for _, id := range []couch.BlobID{small, file} {
			if got, err := e.get(id, 0, -1); err != nil || !bytes.Equal(got, content) {
				t.Errorf("%s, blob %s: read %d bytes, %v", tc.name, id, len(got), err)
			}
			_, problems := e.check()
			if ok := problems[id] == nil; ok != tc.ok || !ok && !errors.Is(problems[id], couch.ErrCorrupt) {
				t.Errorf("%s, blob %s: Check found %v", tc.name, id, problems)
			}
		}
	}
}
