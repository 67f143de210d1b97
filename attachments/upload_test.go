package attachments_test

import (
	"bytes"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"settle/attachments"
	"settle/storage/couch"
	"settle/storage/crypt"
	"settle/storage/kv"
)

// uploading is an upload, and how it is saved.
type uploading struct {
	*env
	blobs *attachments.Blobs
}

func newUploading(t *testing.T) *uploading {
	e := newEnv(t, vfs.NewMem())
	return &uploading{e, e.blobs.Uploading([]byte("u"))}
}

func (u *uploading) save(now *attachments.Upload) error {
	return u.kv.Update(u.Context(), partition, func(tx kv.Tx) error { u.blobs.SaveUpload(tx, now); return nil })
}

// begin makes an upload of which a part has come.
func (u *uploading) begin(length int, part []byte) *attachments.Upload {
	u.Helper()
	made := attachments.NewUpload()
	made.Length = int64(length)
	must(u, u.blobs.Append(u.Context(), made, bytes.NewReader(part), u.save))
	return made
}

func (u *uploading) stored(id couch.BlobID) (stored *attachments.Upload) {
	u.Helper()
	must(u, u.view(u.Context(), func(rd kv.Reader) (err error) {
		stored, err = u.blobs.LoadUpload(u.Context(), rd, id)
		return err
	}))
	return stored
}

// What an upload has sealed is written again under another key, whatever this process
// remembers of it: a key never seals a chunk twice.
func TestUploadFromBeforeHasAKeyOfItsOwn(t *testing.T) {
	u := newUploading(t)
	content := noise(4*crypt.ChunkSize, 1)
	id := u.begin(len(content), content[:crypt.ChunkSize]).ID
	before := u.stored(id)
	must(t, u.blobs.Append(t.Context(), u.stored(id), bytes.NewReader(content[crypt.ChunkSize:3*crypt.ChunkSize]), u.save))
	sealed := u.readFile(u.path(id))
	must(t, u.blobs.Append(t.Context(), before, bytes.NewReader(content[crypt.ChunkSize:]), u.save))
	again := u.readFile(u.path(id))
	const chunk = crypt.ChunkSize + crypt.ChunkOverhead
	if !bytes.Equal(again[:chunk], sealed[:chunk]) {
		t.Error("the first chunk was written again")
	}
	for i := 1; i < 3; i++ {
		if bytes.Equal(again[i*chunk:(i+1)*chunk], sealed[i*chunk:(i+1)*chunk]) {
			t.Errorf("chunk %d was sealed again under the same key", i)
		}
	}
	p, err := u.blobs.Uploaded(u.stored(id))
	must(t, err)
	if got, err := u.get(u.commit(p), 0, -1); err != nil || !bytes.Equal(got, content) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

// The key of an upload is remembered until that is complete, or removed.
func TestUploadsKeyIsForgotten(t *testing.T) {
	u := newUploading(t)
	content := noise(2*crypt.ChunkSize, 1)
	removed, complete := u.begin(len(content), content[:crypt.ChunkSize]), u.begin(len(content), content[:crypt.ChunkSize])
	if n := u.store.LastKeys(); n != 2 {
		t.Fatalf("%d keys are remembered", n)
	}
	u.update(func(tx kv.Tx) { u.blobs.DeleteUpload(tx, removed.ID) })
	if n := u.store.LastKeys(); n != 1 {
		t.Errorf("%d keys are remembered, with that of one that was removed", n)
	}
	must(t, u.blobs.Append(t.Context(), complete, bytes.NewReader(content[crypt.ChunkSize:]), u.save))
	if n := u.store.LastKeys(); n != 0 {
		t.Errorf("%d keys are remembered, with that of one that is complete", n)
	}
}
