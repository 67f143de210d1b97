package attachments

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"slices"

	"github.com/cockroachdb/pebble/v2/vfs"

	"settle/storage/couch"
	"settle/storage/crypt"
)

// bytesPerSync spreads the writing of a large file to the disk over its upload.
const bytesPerSync = 4 << 20

// Write reads r to its end and stores what it gives as a new blob, which belongs
// to nothing until Pending.Commit. More than max bytes (0: no limit) are an
// AttachmentTooLarge. An error of r, or of ctx, is returned as it is; the blob
// store's own are NoSpace and Internal. After an error nothing is left behind.
//
// When it returns, what went to a file is on disk. The caller owns the Pending
// and ends it with Committed or Discard.
func (b *Blobs) Write(ctx context.Context, r io.Reader, max int64) (*Pending, error) {
	return b.WriteLike(ctx, r, max, couch.Digest{}, nil)
}

// Find returns the blobs of a hint, as Blobs.Like does.
type Find func(Hint) ([]*Blob, error)

// WriteLike is Write of what may be equal to a stored blob, whose digest the client
// announces: where it is, nothing is written. Of a zero digest those blobs are tried that
// start like this content. A nil find finds nothing; its errors are returned.
func (b *Blobs) WriteLike(ctx context.Context, r io.Reader, max int64, digest couch.Digest, find Find) (*Pending, error) {
	in := b.newIntake(ctx, r, max)
	defer in.sums.close()
	chunk := getChunk()
	defer chunk.put()
	head, err := b.store.readHead(in, chunk)
	if err != nil {
		return nil, err
	}
	p := &Pending{blobs: b}
	rand.Read(p.id[:])
	if len(head) <= b.store.smallMax && b.store.reserveSmall(int64(len(head))) {
		p.seal(in, head)
		return p, nil
	}
	p.record.start = b.newStart(head)
	var like []*Blob
	if find != nil {
		if like, err = find(Hint{digest, p.record.start}); err != nil {
			return nil, err
		}
	}
	return p.write(in, bytes.NewReader(head), like)
}

// readHead reads one byte more than a small content has, or what there is, into chunk
// where that is long enough.
func (s *Store) readHead(r io.Reader, chunk *chunkBuffer) ([]byte, error) {
	head := chunk[:]
	if n := s.headSize(); n <= len(head) {
		head = head[:n]
	} else {
		head = make([]byte, n)
	}
	n, err := crypt.ReadChunk(r, head)
	return head[:n], err
}

// write is WriteLike of content that is not small. head was read from in.
func (p *Pending) write(in *intake, head io.Reader, like []*Blob) (*Pending, error) {
	content := io.MultiReader(head, in)
	like = slices.DeleteFunc(like, func(b *Blob) bool { return b.record.kind != kindFile })
	if len(like) > 0 {
		c, err := compare(content, like)
		defer c.release()
		if err != nil {
			return nil, err
		}
		if same := c.same(); same != nil {
			return p.blobs.equalTo(same, in.tag()), nil
		}
		content = c.rest(content)
	}
	if err := p.writeFile(in, content); err != nil {
		return nil, err
	}
	return p, nil
}

// equalTo returns the Pending that stands for a stored content of a tag.
func (b *Blobs) equalTo(same *Blob, tag Tag) *Pending {
	b.store.begin(b.id, same.id)
	p := &Pending{blobs: b, id: same.id, like: same, record: same.record}
	p.record.tag = tag
	return p
}

// seal makes the record of a small content.
func (p *Pending) seal(in *intake, content []byte) {
	p.record = record{kind: kindSmall, length: in.length, digest: in.digest(), tag: in.tag()}
	p.record.rest = p.blobs.key.Seal(crypt.PurposeSmallBlob, content, p.record.bound(p.id)...)
}

// writeFile writes content, which comes from in, to a file of its own.
func (p *Pending) writeFile(in *intake, content io.Reader) error {
	s, key := p.blobs.store, crypt.NewBlobKey()
	s.begin(p.blobs.id, p.id)
	if err := s.writeFile(p, key, content); err != nil {
		s.fs.Remove(s.path(p.blobs.id, p.id))
		s.end(p.blobs.id, p.id)
		if in.err != nil {
			return in.err
		}
		if _, ok := errors.AsType[*couch.Error](err); ok { // of the stored part
			return err
		}
		return fileError(err)
	}
	p.record = record{kind: kindFile, length: in.length, digest: in.digest(), tag: in.tag(), start: p.record.start}
	p.record.rest = p.blobs.wrap(&p.record, p.id, []segment{{0, key}})
	return nil
}

func (s *Store) writeFile(p *Pending, key *crypt.BlobKey, content io.Reader) (err error) {
	if err := s.makeDir(p.blobs.id, p.id); err != nil {
		return err
	}
	f, err := s.fs.Create(s.path(p.blobs.id, p.id), vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	f = vfs.NewSyncingFile(f, vfs.SyncingFileOptions{BytesPerSync: bytesPerSync, NoSyncOnClose: true})
	if err := errors.Join(sealChunks(f, key, content), f.Close()); err != nil {
		return err
	}
	return s.syncDir(s.shardDir(p.blobs.id, p.id))
}

// sealChunks writes the sealed chunks of content to f, and syncs it.
func sealChunks(f vfs.File, key *crypt.BlobKey, content io.Reader) error {
	this, next, sealed := getChunk(), getChunk(), getChunk()
	defer func() { this.put(); next.put(); sealed.put() }()

	n, err := crypt.ReadChunk(content, this[:crypt.ChunkSize])
	for index := uint64(0); err == nil; index++ {
		// A chunk is the last one when nothing follows, so the next is read first.
		following := 0
		if n == crypt.ChunkSize {
			if following, err = crypt.ReadChunk(content, next[:crypt.ChunkSize]); err != nil {
				return err
			}
		}
		last := following == 0
		if _, err := f.Write(key.SealChunk(sealed[:0], index, last, this[:n])); err != nil {
			return err
		}
		if last {
			return f.Sync()
		}
		this, next, n = next, this, following
	}
	return err
}

// intake is what comes from the client: counted, limited and hashed.
type intake struct {
	ctx    context.Context
	r      io.Reader
	max    int64
	length int64
	sums   *sums
	dedup  *DedupKey // may be nil
	err    error     // other than io.EOF
}

func (b *Blobs) newIntake(ctx context.Context, r io.Reader, max int64) *intake {
	if max <= 0 || max > MaxLength {
		max = MaxLength
	}
	return &intake{ctx: ctx, r: r, max: max, sums: b.newSums(), dedup: b.dedup}
}

func (in *intake) Read(b []byte) (int, error) {
	if in.err == nil {
		in.err = in.ctx.Err()
	}
	if in.err != nil {
		return 0, in.err
	}
	n, err := in.r.Read(b)
	in.length += int64(n)
	in.sums.write(b[:n])
	switch {
	case in.length > in.max:
		err = couch.Errorf(couch.AttachmentTooLarge, "The attachment is larger than %d bytes.", in.max)
	case err == nil || err == io.EOF:
		return n, err
	}
	in.err = err
	return n, err
}

func (in *intake) digest() couch.Digest {
	in.sums.close()
	return couch.Digest(in.sums.md5.Sum(nil))
}

// tag returns the content's tag; none without a key.
func (in *intake) tag() Tag {
	in.sums.close()
	return in.dedup.tag(in.sums.tag)
}
